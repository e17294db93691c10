import { accessLogService } from '../../src/agent/access-log-server.ts';
import { createFlowSink } from '../../src/agent/flows.ts';
import { createHubbleMetrics } from '../../src/agent/hubble-metrics.ts';
import { createLogger } from '../../src/base/index.ts';
import { defaultHubbleMetrics } from '../../src/embedded/addons.ts';
import { observerServices, serveGrpc } from '../../src/hubble/index.ts';
import type { JsonObject } from '../../src/plan/index.ts';
import { serveControlPlane } from '../proxy/control.ts';
import { benchLookups } from './events.ts';

/**
 * What an agent does for L7 visibility: takes the data plane's access log and serves flows, on a port that it says. With `unseen` the listener has
 * no access log. SOCKET LISTENER_PORT CLIENT_ADDRESS seen|unseen
 */
const [socket = '', port = '', client = '', wanted = ''] = process.argv.slice(2);
const metrics = createHubbleMetrics(createLogger('bench'));
metrics.configure({ metrics: defaultHubbleMetrics, openMetrics: false });
const flows = createFlowSink({ nodeName: 'bench/node', version: 'bench', metrics });
flows.use(benchLookups('bench/node'));
const accessLog = accessLogService({ onEvent: flows.push, onLost: flows.lost, log: createLogger('bench') });
const change = wanted === 'unseen' ? withoutAccessLog : (listener: JsonObject): JsonObject => listener;
await serveControlPlane(socket, Number(port), client, { accessLog, change });
const peers = { list: () => [], subscribe: () => () => {} };
const serving = await serveGrpc(observerServices(flows.observer, peers), { host: '127.0.0.1', port: 0 });
console.log(JSON.stringify({ port: serving.port }));

function withoutAccessLog(listener: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(listener, (key, value) => (key === 'access_log' ? undefined : value))) as JsonObject;
}
