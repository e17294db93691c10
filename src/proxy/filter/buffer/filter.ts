import type { Fields } from '../../config/fields.ts';
import type { RequestHead } from '../../http/head.ts';
import type { BoundFilter, FilterControl, FilterHooks, FilterKind, Hooks } from '../filter.ts';

const TYPE = 'envoy.extensions.filters.http.buffer.v3.Buffer';

/** `envoy.filters.http.buffer`: a request goes on once all of it is there, with a `content-length`. One that is too long is answered 413. */
export const bufferFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields) => {
    const own = readBuffer(fields);
    return { type: TYPE, bind: ([override]) => bind((override as BufferOverride | undefined) ?? { maxBytes: own }) };
  },
  routeType: 'envoy.extensions.filters.http.buffer.v3.BufferPerRoute',
  readRoute: readOverride,
};

/** Undefined bytes: nothing is kept there. */
interface BufferOverride {
  readonly maxBytes: number | undefined;
}

function readBuffer(fields: Fields): number {
  return fields.number('max_request_bytes') ?? 0;
}

function readOverride(fields: Fields): BufferOverride {
  if (fields.oneOf('override', ['disabled', 'buffer']) !== 'buffer') return { maxBytes: undefined };
  return { maxBytes: fields.message('buffer', readBuffer) };
}

function bind({ maxBytes }: BufferOverride): BoundFilter | undefined {
  return maxBytes === undefined ? undefined : { begin: (_, control) => hooksOf(control, maxBytes) };
}

function hooksOf(control: FilterControl, maxBytes: number): FilterHooks {
  let size = 0;
  const request: Hooks<RequestHead> = {
    head: (_, __, done) => {
      if (done) return 'continue';
      control.limitRequest(maxBytes);
      return 'collect';
    },
    body: ({ head }, { bytes, done }) => {
      size += bytes.length;
      if (!done || size > maxBytes) return 'buffer';
      if (!head.headers.has('content-length')) head.headers.add('content-length', String(size));
      return 'continue';
    },
  };
  return { request };
}
