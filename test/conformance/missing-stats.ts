/** Statistics that one of the two has and the other does not; each line also stands in `docs/divergence.md`, with the reason. */
const missing: readonly RegExp[] = [
  // The admin interface counts nothing of its own.
  /^(http|listener)\.admin\./,
  // Requests that Envoy makes by itself: mirrors count for their cluster alone here.
  /^http\.async-client\./,
  // What a socket has not taken yet is known to Node alone, socket by socket.
  /_bytes_buffered$/,
  // Nothing watches over the event loop.
  /watchdog_(mega_)?miss$/,
  // Without an overload manager there is nothing to count.
  /^(envoy\.overload_actions|overload)\./,
  // Names of statistics are not looked up; the version is no number of a commit.
  /^server\.(stats_recent_lookups|version)$/,
  // Envoy shows it where hot restart is on.
  /^server\.hot_restart_generation$/,
];

/** Whether only one of the two is meant to have it. */
export const isMissing = (name: string): boolean => missing.some((pattern) => pattern.test(name));
