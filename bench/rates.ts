import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Databases } from './contestants/databases.ts';
import { logIn } from './contestants/kinship/client.ts';
import { startKinship } from './contestants/kinship/server.ts';
import { type Pgbench, preparePgbench } from './contestants/pgbench.ts';
import { type Contestant, startProcess } from './contestants/process.ts';
import { type Round, repeatFailed, runJob } from './load/run.ts';
import type { Scenarios, Target } from './load/scenario.ts';
import { countAcceptedTwice } from './twice.ts';

/** The peers, by their folder under peers/, and the scenarios that each of them runs. */
const PEERS: Readonly<Record<string, readonly string[]>> = {
  fastify: ['refresh'],
  express: ['refresh', 'login', 'password', 'protected'],
  'oidc-provider': ['refresh'],
  'better-auth': ['refresh'],
};

/** This peer rotates nothing, so it accepts every token again. */
const WITHOUT_ROTATION = 'fastify';

const KINSHIP = ['refresh', 'refreshByQuery', 'login', 'password', 'protected'];
const CLIENT = 'contestants/kinship/client.ts';

/** The names of the service with two workers, and of the service with the prebuilt binary of argon2. */
export const WITH_WORKERS = 'kinship-2-workers';
export const WITH_PREBUILT = 'kinship-prebuilt-argon2';

/** Whether the machine has a compiled argon2, which the service prefers to the prebuilt binary. */
export const HAS_COMPILED_ARGON2 = existsSync(new URL('../native/argon2-x86-64-v3', import.meta.url));

export interface Plan {
  readonly rounds: number;
  readonly clients: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly tries: number;
}

/**
 * The rounds by contestant and scenario, such as `kinship refresh`. `pgbench refresh` is the rotation statement without
 * a service.
 */
export type Rates = ReadonlyMap<string, readonly Round[]>;

interface RunningContestant {
  readonly name: string;
  readonly contestant: Contestant;
  readonly target: Target;
  readonly client: string;
  readonly scenarios: readonly string[];
}

/**
 * Measures all contestants in turn in each round, so that other load affects all of them equally. At the end, sends
 * `tries` tokens to each contestant of the scenario `refresh` that rotates tokens, each token twice at the same moment.
 * `twice` has the numbers of tokens that were accepted twice.
 */
export async function measureRates(
  databases: Databases,
  { tries, ...plan }: Plan,
  say: (line: string) => void,
): Promise<{ rates: Rates; twice: ReadonlyMap<string, number> }> {
  const kinshipUrl = await databases.create('kinship');
  const kinship = await startKinship(kinshipUrl);
  const running: RunningContestant[] = [toRunning('kinship', kinship, CLIENT, KINSHIP)];
  running.push(...(await startVariants(databases)));
  const { access, refresh } = await logIn(kinship.target);
  const pgbench = await prepareBareRotation(databases);
  for (const [name, scenarios] of Object.entries(PEERS)) {
    const peer = await startPeer(databases, name, scenarios);
    running.push({ ...peer, target: { ...peer.target, access, refresh } });
  }

  const rates = new Map<string, Round[]>();
  const add = (name: string, round: Round) => {
    rates.set(name, [...(rates.get(name) ?? []), round]);
    const shed = round.shed > 0 ? `, ${round.shed} answered 503` : '';
    say(`${name}: ${Math.round(round.perSecond)}/s${shed}`);
  };
  for (let round = 1; round <= plan.rounds; round += 1) {
    say(`round ${round} of ${plan.rounds}`);
    add('pgbench refresh', await repeatFailed('pgbench refresh', () => measureBareRotation(pgbench, plan)));
    for (const { name, contestant, target, client, scenarios } of running) {
      const watched = { service: contestant.pid, database: databases.pid };
      for (const scenario of scenarios) {
        const job = { ...plan, client, scenario, target };
        add(`${name} ${scenario}`, await runJob(job, watched));
      }
    }
  }
  const twice = new Map<string, number>();
  for (const { name, contestant, client } of running) {
    const { scenarios } = (await import(client)) as { scenarios: Scenarios };
    if (name !== WITHOUT_ROTATION && name !== WITH_PREBUILT)
      twice.set(name, await countAcceptedTwice(contestant.target, scenarios.refresh!, tries));
    await contestant.stop();
  }
  pgbench.remove();
  return { rates, twice };
}

/** Starts the service with other settings than its defaults. */
async function startVariants(databases: Databases): Promise<RunningContestant[]> {
  const start = async (name: string, env: Readonly<Record<string, string>>, scenario: string) => {
    const databaseUrl = await databases.create(name.replaceAll('-', '_'));
    return toRunning(name, await startKinship(databaseUrl, { env }), CLIENT, [scenario]);
  };
  const variants = [await start(WITH_WORKERS, { WORKERS: '2' }, 'refresh')];
  if (HAS_COMPILED_ARGON2) {
    const prebuilt = dirname(fileURLToPath(import.meta.resolve('argon2/package.json')));
    variants.push(await start(WITH_PREBUILT, { ARGON2_PREBUILD: prebuilt }, 'password'));
  }
  return variants;
}

async function startPeer(
  databases: Databases,
  name: string,
  scenarios: readonly string[],
): Promise<RunningContestant> {
  const DATABASE_URL = await databases.create(name.replaceAll('-', '_'));
  const server = fileURLToPath(new URL(`peers/${name}/server.mjs`, import.meta.url));
  const contestant = await startProcess([server], { NODE_ENV: 'production', DATABASE_URL });
  return toRunning(name, contestant, `peers/${name}/client.ts`, scenarios);
}

function toRunning(
  name: string,
  contestant: Contestant,
  client: string,
  scenarios: readonly string[],
): RunningContestant {
  const { target } = contestant;
  return { name, contestant, target, client: new URL(client, import.meta.url).href, scenarios };
}

/** Prepares pgbench on tables that the service has created. */
async function prepareBareRotation(databases: Databases): Promise<Pgbench> {
  const url = await databases.create('bare');
  await (await startKinship(url)).stop();
  return preparePgbench(url);
}

async function measureBareRotation(pgbench: Pgbench, plan: Pick<Plan, 'seconds'>): Promise<Round> {
  const { perSecond, mean } = await pgbench.run(8, plan.seconds);
  return {
    count: perSecond * plan.seconds,
    shed: 0,
    perSecond,
    p50: mean,
    p99: Number.NaN,
    ownCpu: Number.NaN,
    cpu: {},
  };
}
