import type { CommandLine } from '../command/line.ts';
import { versionText } from '../server/version.ts';
import { addressJson } from './addresses.ts';
import { type AdminSubject, type Endpoint, json, type Page, text } from './page.ts';

/** Processes of one version understand each other. */
const HOT_RESTART_VERSION = 'ciliate.1';

/** Paths that tell about the process. */
export const information: readonly Endpoint[] = [
  { path: '/certs', help: 'print certs on machine', answer: () => json({ certificates: [] }) },
  {
    path: '/hot_restart_version',
    help: 'print the hot restart compatibility version',
    answer: (_query, { restart }) => text(restart ? HOT_RESTART_VERSION : 'disabled'),
  },
  {
    path: '/init_dump',
    help: 'dump current Envoy init manager information (experimental)',
    parameters: [
      [
        'mask',
        'The desired component to dump unready targets. The mask is parsed as a Protobuf::FieldMask. For example, get the unready targets of all listeners with /init_dump?mask=listener`',
      ],
    ],
    answer: (_query, { workers }) => {
      const waiting = workers.first.listeners.waiting();
      if (waiting.length === 0) return json({});
      return json({
        unready_targets_dumps: waiting.map(({ listener, wants }) => ({
          name: `init manager Listener-local-init-manager ${listener}`,
          target_names: wants.map(({ kind, name }) => (kind === 'route' ? `RdsRouteConfigSubscription ${name}` : name)),
        })),
      });
    },
  },
  {
    path: '/listeners',
    help: 'print listener info',
    parameters: [['format', 'File format to use; One of (text, json)']],
    answer: listenersPage,
  },
  { path: '/memory', help: 'print current allocation/heap usage', answer: memoryPage },
  {
    path: '/ready',
    help: 'print server state, return 200 if LIVE, otherwise return 503',
    answer: (_query, { state }) => text(`${state.name}\n`, state.name === 'LIVE' ? 200 : 503),
  },
  { path: '/server_info', help: 'print server version/status information', answer: serverInfo },
];

function listenersPage(query: URLSearchParams, { workers }: AdminSubject): Page {
  const listeners = workers.first.listeners.all();
  if (query.get('format') !== 'json') {
    return text(listeners.map(({ config, bound }) => `${config.name}::${bound.join(',')}\n`).join(''));
  }
  return json({
    listener_statuses: listeners.map(({ config, boundAddresses: [first, ...more] }) => ({
      name: config.name,
      ...(first ? { local_address: addressJson(first) } : {}),
      ...(more.length > 0 ? { additional_local_addresses: more.map(addressJson) } : {}),
    })),
  });
}

function memoryPage(): Page {
  const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
  return json({
    allocated: String(heapUsed + external),
    heap_size: String(heapTotal + external),
    pageheap_unmapped: '0',
    pageheap_free: String(heapTotal - heapUsed),
    total_thread_cache: '0',
    total_physical_bytes: String(rss),
  });
}

function serverInfo(_query: URLSearchParams, { state, config, commandLine, workers, restart }: AdminSubject): Page {
  const uptime = `${state.uptimeSeconds}s`;
  return json({
    version: versionText,
    state: state.name,
    uptime_current_epoch: uptime,
    uptime_all_epochs: restart ? `${Math.floor((Date.now() - restart.startedAt) / 1000)}s` : uptime,
    hot_restart_version: restart ? HOT_RESTART_VERSION : 'disabled',
    command_line_options: commandLine ? lineJson(commandLine) : { concurrency: workers.count },
    node: config.shown['node'] ?? {},
  });
}

const seconds = (milliseconds: number): string => `${Number((milliseconds / 1000).toFixed(3))}s`;

function lineJson(line: CommandLine): unknown {
  return {
    base_id: String(line.baseId),
    concurrency: line.concurrency,
    config_path: line.configPath ?? '',
    config_yaml: line.configYaml ?? '',
    admin_address_path: line.adminAddressPath ?? '',
    log_level: line.logLevel,
    component_log_level: line.componentLogLevel,
    log_path: line.logPath ?? '',
    service_cluster: line.serviceCluster,
    service_node: line.serviceNode,
    service_zone: line.serviceZone,
    file_flush_interval: seconds(line.fileFlushInterval),
    drain_time: seconds(line.drainTime),
    drain_strategy: line.drainStrategy === 'gradual' ? 'Gradual' : 'Immediate',
    parent_shutdown_time: seconds(line.parentShutdownTime),
    mode: line.mode === 'serve' ? 'Serve' : 'Validate',
    disable_hot_restart: line.hotRestart === undefined,
    restart_epoch: line.hotRestart?.epoch ?? 0,
  };
}
