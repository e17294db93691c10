import type { ResetReason } from '../../cluster/reset.ts';
import { FLAG } from '../../http/stream-info.ts';
import type { LocalReply } from '../filter.ts';

const FLAGS: Readonly<Record<ResetReason, number>> = {
  'local connection failure': FLAG.UPSTREAM_FAILURE,
  'remote connection failure': FLAG.UPSTREAM_FAILURE,
  'connection timeout': FLAG.UPSTREAM_FAILURE,
  'connection termination': FLAG.UPSTREAM_CLOSED,
  'remote reset': FLAG.UPSTREAM_REMOTE_RESET,
  overflow: FLAG.UPSTREAM_OVERFLOW,
  'protocol error': FLAG.UPSTREAM_PROTOCOL,
};

/** The answer when no upstream gave one, in Envoy's words. */
export function resetReply(reason: ResetReason, detail: string, retried: boolean): LocalReply {
  // What ended an established connection is not a transport failure.
  const transport = reason === 'connection termination' || reason === 'protocol error' ? '' : detail;
  const failure = transport === '' ? '' : `, transport failure reason: ${transport}`;
  const again = retried ? 'retried and the latest ' : '';
  const words = transport === '' ? reason : `${reason},${transport}`;
  return {
    status: reason === 'protocol error' ? 502 : 503,
    body: `upstream connect error or disconnect/reset before headers. ${again}reset reason: ${reason}${failure}`,
    details: `upstream_reset_before_response_started{${words.replaceAll(' ', '_')}}`,
    flags: FLAGS[reason],
    ...(reason === 'overflow' ? { headers: [['x-envoy-overloaded', 'true']] as const } : {}),
  };
}
