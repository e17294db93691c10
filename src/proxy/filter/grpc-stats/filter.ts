import type { Fields } from '../../config/fields.ts';
import { isGrpcType } from '../../http/grpc-status.ts';
import type { HeaderMap } from '../../http/headers.ts';
import type { FilterHooks, FilterKind, FilterStream } from '../filter.ts';
import { grpcMethodOf } from '../grpc-method.ts';
import { FrameCounter } from './frames.ts';
import { MethodStats } from './stats.ts';

const TYPE = 'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig';

/** `<service>.<method>.` for statistics, empty for calls that are counted together. */
type MethodNames = (service: string, method: string) => string;

interface GrpcStatsConfig {
  readonly names: MethodNames;
  readonly upstreamTime: boolean;
}

/** `envoy.filters.http.grpc_stats`: counts gRPC calls and their messages for the clusters that they go to. */
export const grpcStatsFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, { stats }) => {
    const config = readConfig(fields);
    return {
      type: TYPE,
      bind: () => ({
        begin: (stream) => {
          const { clusterName } = stream;
          if (clusterName === '' || !isGrpc(stream.head.headers)) return {};
          const method = grpcMethodOf(stream.head.path);
          if (!method) return {};
          const prefix = `cluster.${clusterName}.grpc.${config.names(...method)}`;
          return hooksOf(stream, new MethodStats(stats, prefix), config.upstreamTime);
        },
      }),
    };
  },
};

function isGrpc(headers: HeaderMap): boolean {
  return isGrpcType(headers.get('content-type'));
}

function readConfig(fields: Fields): GrpcStatsConfig {
  const dots = fields.flag('replace_dots_in_grpc_service_name');
  const upstreamTime = fields.flag('enable_upstream_stats');
  const choices = ['individual_method_stats_allowlist', 'stats_for_all_methods'] as const;
  switch (choices.some((key) => fields.has(key)) ? fields.oneOf('per_method_stat_specifier', choices) : undefined) {
    case 'individual_method_stats_allowlist': {
      const names = fields.message('individual_method_stats_allowlist', readAllowed);
      return { upstreamTime, names: names ?? together };
    }
    case 'stats_for_all_methods': {
      const each = fields.boolean('stats_for_all_methods') ?? false;
      return {
        upstreamTime,
        names: each ? (service, method) => statNames(dots ? service.replaceAll('.', '_') : service, method) : together,
      };
    }
    default:
      return { upstreamTime, names: together };
  }
}

const together: MethodNames = () => '';

/** As in Envoy their dots stay. */
function readAllowed(fields: Fields): MethodNames {
  const allowed = new Set(
    fields
      .list('services', (service) => {
        const name = service.text('name');
        return service.strings('method_names').map((method) => statNames(name, method));
      })
      .flat(),
  );
  return (service, method) => {
    const names = statNames(service, method);
    return allowed.has(names) ? names : '';
  };
}

const statNames: MethodNames = (service, method) => `${service}.${method}.`;

function hooksOf(stream: FilterStream, stats: MethodStats, upstreamTime: boolean): FilterHooks {
  const sent = new FrameCounter();
  const received = new FrameCounter();
  let answersGrpc = false;
  let timed = false;
  return {
    request: {
      body: (_, { bytes }) => {
        const count = sent.count(bytes);
        if (count > 0) stats.requests(count);
        return 'continue';
      },
    },
    response: {
      head: (_, { headers, status }, done) => {
        answersGrpc = !done && status === 200 && isGrpc(headers);
        const code = headers.get('grpc-status');
        if (code !== undefined) stats.status(code);
        timed = answersGrpc || (done && code !== undefined);
        return 'continue';
      },
      body: (_, { bytes }) => {
        const count = answersGrpc ? received.count(bytes) : 0;
        if (count > 0) stats.responses(count);
        return 'continue';
      },
      trailers: (_, trailers) => {
        const code = trailers.get('grpc-status');
        if (code !== undefined) stats.status(code);
      },
    },
    onEnd: () => {
      if (!upstreamTime || !timed || stream.upstreamLastByteAt === 0) return;
      stats.time(stream.upstreamLastByteAt - (stream.requestEndAt || stream.startedAt));
    },
  };
}
