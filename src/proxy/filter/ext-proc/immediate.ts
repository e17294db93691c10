import type { HeaderMap } from '../../http/headers.ts';
import type { LocalReply } from '../filter.ts';
import type { ProcessConfig } from './config.ts';
import { fieldsTarget, mutate } from './mutate.ts';
import type { WireImmediate } from './wire.ts';

const DEFAULT_STATUS = 200;

/** The answer that a server gives in the upstream's place, or one because of it. */
export function immediateReply(
  { stats, rules }: ProcessConfig,
  said: WireImmediate | { readonly status: number; readonly details: string },
): LocalReply {
  const details = said.details.replace(/\s/g, '_');
  if (typeof said.status === 'number') return { status: said.status, body: '', details };
  const { status, headers: mutation, body, grpc_status: grpc } = said as WireImmediate;
  const onRejected = (): void => {
    stats.rejectedMutations++;
  };
  const settings = { rules, replacing: false, length: false, onRejected };
  return {
    status: codeOf(status?.code),
    body: Buffer.from(body).toString('latin1'),
    details,
    modify: (headers: HeaderMap) => {
      if (mutation) mutate(fieldsTarget(headers), mutation, settings);
    },
    ...(grpc ? { grpcStatus: grpc.status } : {}),
  };
}

/** What is no status of a last response counts as 200. */
function codeOf(code: number | undefined): number {
  return code !== undefined && code >= 200 && code <= 599 ? code : DEFAULT_STATUS;
}
