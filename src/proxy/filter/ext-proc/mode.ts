import type { Fields } from '../../config/fields.ts';

export type BodyMode = 'NONE' | 'STREAMED' | 'BUFFERED' | 'BUFFERED_PARTIAL';

/** What of a message its processor is shown. */
export interface SideMode {
  readonly head: boolean;
  readonly body: BodyMode;
  readonly trailers: boolean;
}

/** A compiled `envoy.extensions.filters.http.ext_proc.v3.ProcessingMode`. */
export interface ProcessMode {
  readonly request: SideMode;
  readonly response: SideMode;
  /** Tells modes apart as Envoy does where it lists those that a server may choose: by all but how request heads are sent. */
  readonly key: string;
}

const SENDS = ['DEFAULT', 'SEND', 'SKIP'] as const;
const BODIES = ['NONE', 'STREAMED', 'BUFFERED', 'BUFFERED_PARTIAL'] as const;
type Send = (typeof SENDS)[number];

export function readMode(fields: Fields): ProcessMode {
  const send = (key: string): Send => fields.choice(key, SENDS);
  const body = (key: string): BodyMode => fields.choice(key, BODIES);
  return modeOf(
    [send('request_header_mode'), body('request_body_mode'), send('request_trailer_mode')],
    [send('response_header_mode'), body('response_body_mode'), send('response_trailer_mode')],
  );
}

type Choices = readonly [head: Send, body: BodyMode, trailers: Send];

function modeOf(request: Choices, response: Choices): ProcessMode {
  return { request: sideOf(request), response: sideOf(response), key: [request.slice(1), response].join() };
}

/** Heads are shown unless it is said otherwise, trailers are not. */
function sideOf([head, body, trailers]: Choices): SideMode {
  return { head: head !== 'SKIP', body, trailers: trailers === 'SEND' };
}

export const DEFAULT_MODE = modeOf(['DEFAULT', 'NONE', 'DEFAULT'], ['DEFAULT', 'NONE', 'DEFAULT']);

export function bodyNumber(mode: BodyMode): number {
  return BODIES.indexOf(mode);
}

/** Enum numbers of a message as it came; the rest of it is not looked at. */
export interface WireMode {
  readonly request_header_mode: number;
  readonly response_header_mode: number;
  readonly request_body_mode: number;
  readonly response_body_mode: number;
  readonly request_trailer_mode: number;
  readonly response_trailer_mode: number;
}

/** What a server chose; undefined: a mode that is not supported. */
export function modeFromWire(wire: WireMode): ProcessMode | undefined {
  const heads = [wire.request_header_mode, wire.response_header_mode].map((number) => SENDS[number]);
  const bodies = [wire.request_body_mode, wire.response_body_mode].map((number) => BODIES[number]);
  const trailers = [wire.request_trailer_mode, wire.response_trailer_mode].map((number) => SENDS[number]);
  const [request, response] = [0, 1].map((at) => [heads[at], bodies[at], trailers[at]]);
  if (!request || !response || [...request, ...response].includes(undefined)) return undefined;
  return modeOf(request as unknown as Choices, response as unknown as Choices);
}
