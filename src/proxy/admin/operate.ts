import { type AdminSubject, type Endpoint, json, OK, type Page, text } from './page.ts';

/** Paths that change what the proxy does. */
export const operations: readonly Endpoint[] = [
  {
    path: '/drain_listeners',
    help: 'drain listeners',
    mutates: true,
    parameters: [
      [
        'graceful',
        'When draining listeners, enter a graceful drain period prior to closing listeners. This behaviour and duration is configurable via server options or CLI',
      ],
      [
        'skip_exit',
        'When draining listeners, drain the connections but never stop the listeners. The graceful parameter has no effect when this is set, since the drain period only delays stopping the listeners',
      ],
      [
        'inboundonly',
        'Drains all inbound listeners. traffic_direction field in envoy_v3_api_msg_config.listener.v3.Listener is used to determine whether a listener is inbound or outbound.',
      ],
    ],
    answer: async (query, { drain }) => {
      await drain.listeners({
        graceful: query.has('graceful'),
        skipExit: query.has('skip_exit'),
        inboundOnly: query.has('inboundonly'),
      });
      return OK;
    },
  },
  {
    path: '/healthcheck/fail',
    help: 'cause the server to fail health checks',
    mutates: true,
    answer: (_query, subject) => setHealth(subject, true),
  },
  {
    path: '/healthcheck/ok',
    help: 'cause the server to pass health checks',
    mutates: true,
    answer: (_query, subject) => setHealth(subject, false),
  },
  {
    path: '/quitquitquit',
    help: 'exit the server',
    mutates: true,
    answer: (_query, { quit }) => {
      setImmediate(quit);
      return OK;
    },
  },
  {
    path: '/reopen_logs',
    help: 'reopen access logs',
    mutates: true,
    answer: async (_query, { workers }) => {
      await workers.command({ kind: 'reopenLogs' });
      return OK;
    },
  },
  {
    path: '/reset_counters',
    help: 'reset all counters to zero',
    mutates: true,
    answer: async (_query, { workers }) => {
      await workers.command({ kind: 'resetCounters' });
      return OK;
    },
  },
  { path: '/runtime', help: 'print runtime values', answer: (_query, subject) => runtimePage(subject) },
  {
    path: '/runtime_modify',
    help: 'Adds or modifies runtime values as passed in query parameters. To delete a previously added key, use an empty string as the value. Note that deletion only applies to overrides added via this endpoint; values loaded from disk can be modified via override but not deleted. E.g. ?key1=value1&key2=value2...',
    mutates: true,
    answer: modifyRuntime,
  },
];

async function setHealth({ state, workers }: AdminSubject, failed: boolean): Promise<Page> {
  state.healthFailed = failed;
  await workers.command({ kind: 'failHealth', failed });
  return OK;
}

function runtimePage({ config }: AdminSubject): Page {
  const { runtime } = config;
  const layers = config.runtimeJson === undefined ? [] : runtime.layers;
  const entries = [...runtime.dump()].sort(([left], [right]) => (left < right ? -1 : 1));
  return json({
    layers,
    entries: Object.fromEntries(
      entries.map(([key, { final, layers: values }]) => [key, { final_value: final, layer_values: values }]),
    ),
  });
}

async function modifyRuntime(query: URLSearchParams, { config, workers }: AdminSubject): Promise<Page> {
  const changes = [...query];
  if (changes.length === 0) {
    return text(
      'usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN\n       or send the parameters as form values\nuse an empty value to remove a previously added override',
      400,
    );
  }
  if (config.runtimeJson === undefined || !config.runtime.modifiable) return text('No admin layer specified', 503);
  await workers.command({ kind: 'modifyRuntime', changes });
  return OK;
}
