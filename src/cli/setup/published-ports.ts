/** The faults of the ports that compose.prod.yml publishes. `PUBLISHED_PORT` is API_PORT of `.env`. */
export function publishedPortFaults(env: NodeJS.ProcessEnv): string[] {
  const { PUBLISHED_PORT = '3000', API_BIND = '', REPLICAS = '', CONSOLE_PORT = '' } = env;
  const faults: string[] = [];
  if (Number(PUBLISHED_PORT) === 0) faults.push('API_PORT is 0, but must be a port that Docker can publish.');
  if (CONSOLE_PORT !== '' && CONSOLE_PORT === PUBLISHED_PORT)
    faults.push(`CONSOLE_PORT is ${CONSOLE_PORT}, but must be another port than API_PORT.`);
  if (Number(REPLICAS) > Math.max(1, countPorts(API_BIND)))
    faults.push(
      `REPLICAS is ${REPLICAS}, but API_BIND is ${API_BIND || 'not set'}: it must name a port for each replica, ` +
        'as in 127.0.0.1:3000-3001.',
    );
  if (Number(REPLICAS) > 1 && CONSOLE_PORT !== '')
    faults.push(
      `REPLICAS is ${REPLICAS}, so CONSOLE_PORT must be blank: its port can be published only once.`,
    );
  return faults;
}

/** The number of ports of a publication such as `127.0.0.1:3000-3001`; 0 for another text. */
function countPorts(publication: string): number {
  const [, first, last = first] = /(?:^|:)(\d+)(?:-(\d+))?$/.exec(publication) ?? [];
  return first === undefined ? 0 : Number(last) - Number(first) + 1;
}
