/** A clock for a service whose clients use the real time. A test may move this clock. */
export function realTime(): { now: number } {
  let ahead = 0;
  return {
    get now() {
      return Date.now() + ahead;
    },
    set now(next) {
      ahead = next - Date.now();
    },
  };
}
