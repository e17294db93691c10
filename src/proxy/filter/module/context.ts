import type { JsonValue } from '../../config/fields.ts';
import { isAuthorityText, isTarget } from '../../http/bytes.ts';
import type { RequestHead, ResponseHead } from '../../http/head.ts';
import type { FilterStream } from '../filter.ts';
import type { FilterContext, FilterLog, FilterRequest, FilterResponse, Json, Metadata, Reply } from './api.ts';
import { FilterHeaders } from './headers.ts';
import { checkReply } from './reply.ts';

/** What the hooks of one request ask of its run. */
export interface ContextOwner {
  readonly config: unknown;
  readonly filterName: string;
  readonly log: FilterLog;
  takeReply(reply: Reply, context: ModuleContext): void;
  skipBody(side: 'request' | 'response'): void;
  /** Something waits for the end of the request. */
  watchEnd(context: ModuleContext): void;
}

class RequestView implements FilterRequest {
  readonly #head: RequestHead;
  #headers: FilterHeaders | undefined = undefined;

  constructor(head: RequestHead) {
    this.#head = head;
  }

  get method(): string {
    return this.#head.method;
  }

  get scheme(): string {
    return this.#head.scheme;
  }

  get path(): string {
    return this.#head.path;
  }

  set path(path: string) {
    if (typeof path !== 'string' || !path.startsWith('/') || !isTarget(path) || path.includes('#')) {
      throw new TypeError(`${JSON.stringify(path)} cannot be the path of a request`);
    }
    this.#head.path = path;
  }

  get authority(): string {
    return this.#head.authority;
  }

  set authority(authority: string) {
    if (typeof authority !== 'string' || authority === '' || !isAuthorityText(authority)) {
      throw new TypeError(`${JSON.stringify(authority)} cannot be the authority of a request`);
    }
    this.#head.authority = authority;
  }

  get headers(): FilterHeaders {
    this.#headers ??= new FilterHeaders(this.#head.headers);
    return this.#headers;
  }
}

class ResponseView implements FilterResponse {
  readonly head: ResponseHead;
  readonly headers: FilterHeaders;

  constructor(head: ResponseHead) {
    this.head = head;
    this.headers = new FilterHeaders(head.headers);
  }

  get status(): number {
    return this.head.status;
  }

  set status(status: number) {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new TypeError(`${String(status)} cannot be the status of a response`);
    }
    this.head.status = status;
  }
}

/** The request as the hooks of one filter see it; parts are made when one asks. */
export class ModuleContext implements FilterContext<unknown> {
  readonly stream: FilterStream;
  owner: ContextOwner;
  #request: RequestView | undefined = undefined;
  #response: ResponseView | undefined = undefined;
  #metadata: Metadata | undefined = undefined;
  #state: Record<string, unknown> | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #over = false;

  constructor(stream: FilterStream, owner: ContextOwner) {
    this.stream = stream;
    this.owner = owner;
  }

  get config(): unknown {
    return this.owner.config;
  }

  get request(): RequestView {
    this.#request ??= new RequestView(this.stream.head);
    return this.#request;
  }

  get response(): ResponseView | undefined {
    const head = this.stream.response;
    if (!head) return undefined;
    if (this.#response?.head !== head) this.#response = new ResponseView(head);
    return this.#response;
  }

  get remoteAddress(): string {
    const { address, port } = this.stream.peers.remote;
    return port === 0 ? address : `${address}:${port}`;
  }

  get routeName(): string {
    return this.stream.routeName;
  }

  get clusterName(): string {
    return this.stream.routeCluster;
  }

  get log(): FilterLog {
    return this.owner.log;
  }

  get metadata(): Metadata {
    this.#metadata ??= metadataOf(this.stream, this.owner.filterName);
    return this.#metadata;
  }

  get state(): Record<string, unknown> {
    this.#state ??= {};
    return this.#state;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      this.owner.watchEnd(this);
    }
    if (this.#over) this.#abort.abort();
    return this.#abort.signal;
  }

  reply(reply: Reply): void {
    this.owner.takeReply(checkReply(reply), this);
  }

  skipRequestBody(): void {
    this.owner.skipBody('request');
  }

  skipResponseBody(): void {
    this.owner.skipBody('response');
  }

  /** Ends what hooks started with the signal. */
  static end(context: ModuleContext): void {
    context.#over = true;
    context.#abort?.abort();
  }
}

const MAX_METADATA = 65_536;

function metadataOf(stream: FilterStream, own: string): Metadata {
  return {
    get: (namespace, ...path) => stream.metadata(namespace, path),
    set: (key, value, namespace = own) => stream.setMetadata(String(namespace), String(key), asJson(value)),
  };
}

/** A copy that nobody changes later and that logs can write. */
function asJson(value: Json): JsonValue {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError('metadata has to be JSON');
  if (text.length > MAX_METADATA) throw new TypeError(`metadata is larger than ${MAX_METADATA} bytes`);
  return JSON.parse(text) as JsonValue;
}
