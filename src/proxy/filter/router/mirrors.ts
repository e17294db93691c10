import { RequestHead } from '../../http/head.ts';
import type { MirrorPolicy } from '../../route/mirror.ts';
import { applyMutation } from '../../route/mutation.ts';
import { ownAddress } from '../async/own-address.ts';
import { type AttemptTrace, traceMirror } from './attempt-trace.ts';
import type { RouterRun } from './run.ts';
import { ShadowStream } from './shadow-stream.ts';

/** The copies of one request that go to other clusters while it is served. */
export class Mirrors {
  readonly #copies: readonly ShadowStream[];
  readonly #pauseClient: () => void;

  constructor(copies: readonly ShadowStream[], pauseClient: () => void) {
    this.#copies = copies;
    this.#pauseClient = pauseClient;
  }

  start(): void {
    for (const copy of this.#copies) copy.begin();
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    for (const copy of this.#copies) copy.onBody(bytes, start, stop, done);
    if (!done && !this.writable) this.#pauseClient();
  }

  /** False: a copy's connection has no room for more of the body. */
  get writable(): boolean {
    return this.#copies.every((copy) => !copy.paused);
  }

  /** The request will not be complete. */
  cancel(): void {
    for (const copy of this.#copies) copy.cancel();
  }
}

/** Makes the copies that the policies ask for; undefined when there are none. */
export function prepareMirrors(run: RouterRun, policies: readonly MirrorPolicy[]): Mirrors | undefined {
  const { stream } = run;
  if (stream.head.method === 'CONNECT') return undefined;
  const copies = policies.flatMap((policy) => prepareMirror(run, policy) ?? []);
  return copies.length > 0 ? new Mirrors(copies, () => stream.connection.pauseReading()) : undefined;
}

function prepareMirror(run: RouterRun, policy: MirrorPolicy): ShadowStream | undefined {
  const { stream } = run;
  if (!policy.happens(stream.random)) return undefined;
  const name = policy.cluster || (stream.requestHeader(policy.header) ?? '');
  const cluster = name === '' ? undefined : stream.manager.clusters.get(name);
  if (!cluster) return undefined;
  const trace = stream.trace && traceMirror(stream.trace, stream, policy.sampled);
  return new ShadowStream(run, cluster, copyHead(run, policy, trace), trace);
}

function copyHead({ stream }: RouterRun, policy: MirrorPolicy, trace: AttemptTrace | undefined): RequestHead {
  const { head } = stream;
  const copy = new RequestHead();
  copy.method = head.method;
  copy.path = head.path;
  copy.scheme = head.scheme;
  copy.framing.contentLength = head.framing.contentLength;
  copy.authority = policy.host || head.authority;
  copy.headers.assign(head.headers);
  for (const mutation of policy.mutations) applyMutation(mutation, copy.headers, stream);
  if (policy.suffix && policy.host === '') copy.authority = shadowHost(copy.authority);
  if (trace) stream.trace?.tell(copy.headers, trace.span);
  copy.headers.set('x-envoy-internal', 'true');
  const before = copy.headers.get('x-forwarded-for');
  copy.headers.set('x-forwarded-for', before ? `${before},${ownAddress()}` : ownAddress());
  return copy;
}

/** `-shadow` stands before the port. */
function shadowHost(host: string): string {
  const colon = host.indexOf(':');
  return colon < 0 ? `${host}-shadow` : `${host.slice(0, colon)}-shadow${host.slice(colon)}`;
}
