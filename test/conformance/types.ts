/** JSON of an Envoy resource, snake_case names. */
export type Json = Record<string, unknown>;

/** Addresses that a scenario is given: an own loopback address, so that ports are always the same. */
export interface Places {
  readonly host: string;
  /** A second loopback address of the run's own. */
  readonly other: string;
  readonly admin: number;
  /** Port of the control plane, where the scenario has one. */
  readonly plane: number;
  /** A folder of the run's own; its `access.log` is read after each case. */
  readonly folder: string;
  listener(index: number): number;
  backend(index: number): number;
}

/** How a scripted backend answers one request. What a request does not find in the script is answered `200` with the backend's name. */
export type Behaviour =
  /** Bytes as they are, latin1, in one or several pieces; afterwards the connection stays open unless said otherwise. */
  | { readonly raw: string | readonly Piece[]; readonly afterwards?: 'close' | 'reset' }
  /** Ends the connection without an answer. */
  | { readonly end: 'close' | 'reset' }
  /** Never answers. */
  | 'hang'
  /** Of an HTTP/2 backend: what it does once the request is complete, or at its head. */
  | { readonly http2: readonly Http2HostStep[]; readonly atHead?: true }
  /** Answers before the request's body has come. */
  | { readonly early: string; readonly afterwards?: 'close' | 'reset' }
  /** Of a gRPC backend, for one message: one message of the response, or several on a stream, as JSON. */
  | { readonly reply: Json | readonly Json[]; readonly afterMs?: number }
  /** Of a gRPC backend: the call ends with that status. */
  | { readonly status: number; readonly message?: string; readonly afterMs?: number };

export interface Piece {
  readonly raw: string;
  /** Wait before it is sent, in milliseconds. */
  readonly afterMs?: number;
}

/** What stands behind a backend's port. `echo`: sends back what it gets (TCP). `closed`: nobody listens. `banner`: speaks first, then echoes. `grpc`: the services that filters ask. `http2`: like `http`, over HTTP/2 without an upgrade. `https`: as `http`, or `http2` where the handshake agreed on it, over TLS; what the handshake agreed on stands among the headers it saw. */
export type BackendKind = 'http' | 'http2' | 'https' | 'echo' | 'banner' | 'closed' | 'grpc';

export interface Request {
  /** Default `GET`. */
  readonly method?: string;
  /** Default `/`. */
  readonly path?: string;
  /** Default `example.com`; `null` leaves the header out. */
  readonly host?: string | null;
  /** In order; names as written. */
  readonly headers?: readonly (readonly [string, string])[] | Readonly<Record<string, string>>;
  /** Sent with `content-length`, unless `chunked` or the headers frame it. */
  readonly body?: string;
  readonly chunked?: boolean;
  /** Default `HTTP/1.1`. */
  readonly version?: string;
}

export type Step =
  | { readonly send: string }
  /** Sends every byte in a write of its own. */
  | { readonly sendSplit: string }
  | { readonly sleep: number }
  /** Waits until so many final responses have come in all. */
  | { readonly awaitResponses: number }
  /** Waits until the client has received so many bytes of whatever kind in all. */
  | { readonly awaitBytes: number }
  /** Writes the file of the injected resource and waits until it must have been read. */
  | { readonly pressure: string }
  | { readonly do: 'close' | 'reset' | 'halfClose' | 'pause' | 'resume' };

/** What a client does on an HTTP/2 connection. */
export type Http2Step =
  /** A request on the next stream, with these fields in their order; it is waited for unless it stays `open`, or is one `beside` others. */
  | { readonly fields: Fields; readonly body?: string; readonly open?: boolean; readonly beside?: true }
  /** More of the body of the last request, or its trailers; `end`: that is all (default). */
  | { readonly data: string; readonly trailers?: Fields; readonly end?: boolean }
  /** Resets the last request's stream. */
  | { readonly reset: number }
  /** Whole frames, hexadecimal; so many times over. */
  | { readonly raw: string; readonly times?: number }
  /** Widens the windows of the connection and the last stream. */
  | { readonly grant: number }
  /** Waits until the response to the last request has begun and has so many bytes, or is over. */
  | { readonly heard: number }
  /** Pings are not answered from here on. */
  | { readonly deaf: true }
  /** Waits until the last stream has got so many bytes of a body. */
  | { readonly awaitBody: number }
  /** As of a `Step`. */
  | { readonly pressure: string }
  | { readonly sleep: number };

/** Names and values of header fields, in their order. */
export type Fields = readonly (readonly [string, string])[];

/** Ids and values of HTTP/2 settings. */
type Settings = readonly (readonly [number, number])[];

/** What an HTTP/2 backend does, on the stream of a request where nothing else is said. */
export type Http2HostStep =
  | { readonly head: Fields; readonly end?: boolean }
  /** `end`: that is all (default). */
  | { readonly data: string; readonly end?: boolean }
  | { readonly reset: number }
  /** With that error code; `last`: the last stream that it took, by default this one. */
  | { readonly goaway: number; readonly last?: number }
  | { readonly settings: Settings }
  | { readonly grant: number }
  | { readonly raw: string }
  | { readonly close: 'close' | 'reset' }
  | { readonly sleep: number };

/** How an HTTP/2 backend behaves on its connections. */
export interface Http2Host {
  readonly settings?: Settings;
  /** Sent instead of its settings, hexadecimal. */
  readonly greeting?: string;
  /** Gives no window back for what it got. */
  readonly holds?: boolean;
  /** Answers neither pings nor settings. */
  readonly deaf?: boolean;
  /** Of an `https` backend: the application protocol that it agrees on, default the first offered; empty: none. */
  readonly agrees?: string;
}

/** How a control plane speaks. */
export type PlaneForm = 'sotw' | 'delta';
export type PlaneType = 'cluster' | 'endpoint' | 'listener' | 'route' | 'filter' | 'secret';

/** What a control plane does, or looks at. */
export type PlaneStep =
  /** Sends a response and waits for its answer. `bytes`: base64 of one resource instead of `resources`. */
  | {
      readonly send: PlaneType;
      readonly version: string;
      readonly resources?: (places: Places) => readonly Json[];
      readonly removed?: readonly string[];
      readonly bytes?: string;
      /** The answer is not waited for: that to clusters comes when they are warm. */
      readonly later?: true;
    }
  /** Writes a file of resources beside its place in the run's folder and moves it there; then waits a moment. */
  | {
      readonly move: string;
      readonly of: PlaneType;
      readonly version: string;
      readonly resources: (places: Places) => readonly Json[];
    }
  /** Writes files beside their places in the run's folder and moves them there, one after the other; then waits a moment. */
  | { readonly put: Readonly<Record<string, string>> }
  /** The names that are asked for. */
  | { readonly wanted: PlaneType }
  /** A request to a listener: status and body, or why there was none. */
  | { readonly get: string; readonly listener?: number }
  /** A handshake with a listener: what it agreed on and what a request over it was answered, or that it was refused. */
  | { readonly handshake: number; readonly tls?: ClientTls }
  /** Waits until the admin interface answers so at a path. */
  | { readonly becomes: string; readonly at: string }
  | { readonly stats: RegExp }
  /** One line for each element of a list of `/config_dump`: versions and states, without words and times. */
  | { readonly dump: string }
  | { readonly sleep: number };

/** How a client speaks TLS. It trusts whoever answers. */
export interface ClientTls {
  readonly serverName?: string;
  readonly protocols?: readonly string[];
  /** Whose certificate it shows, by its name in `certificates.ts`; default none. */
  readonly as?: 'client' | 'stranger' | 'expired' | 'server';
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers?: string;
  readonly sigalgs?: string;
  /** Sent before the handshake, latin1. */
  readonly before?: string;
}

export interface Case {
  readonly name: string;
  /** Requests one after the other over one connection (a new one when the proxy closed it). A string is sent as it is, latin1. */
  readonly requests?: readonly (Request | string)[];
  /** What the scenario's control plane does before the requests. */
  readonly plane?: readonly PlaneStep[];
  /** Full control over one connection instead. */
  readonly steps?: readonly Step[];
  /** The same over HTTP/2. Of each stream the outcome has a response, and one more of the connection's own frames. */
  readonly http2?: readonly Http2Step[];
  /** Final responses that a raw request or the steps lead to; default 1 each. */
  readonly responses?: number;
  /** Methods of the requests in raw text and steps, where one of them has responses without a body (HEAD, CONNECT). */
  readonly methods?: readonly string[];
  /** The connection carries no HTTP: compare bytes only. */
  readonly tcp?: boolean;
  /** The client speaks TLS; what the handshakes agreed on is part of the outcome. */
  readonly tls?: ClientTls;
  /** Each request over a connection of its own. */
  readonly fresh?: boolean;
  /** Written to the file of the injected resource before anything else. */
  readonly pressure?: string;
  /** Scripts by backend index. */
  readonly backends?: Readonly<Record<number, readonly Behaviour[]>>;
  /** How HTTP/2 backends behave, by index. */
  readonly hosts?: Readonly<Record<number, Http2Host>>;
  /** Local address of the client. */
  readonly from?: string;
  /** Index of the listener; default 0. */
  readonly listener?: number;
  /** Connects to the scenario's second address. */
  readonly toOther?: boolean;
  /** Runs the requests so often and compares only how many each backend got and each status there was, within `tolerance` (share of all, default 0.1). */
  readonly repeat?: number;
  readonly tolerance?: number;
  /** Backends get requests at the same time: what they saw is compared backend by backend. */
  readonly sideBySide?: boolean;
  /** Bodies are compared as what they say: without their chunks, and decoded by their `content-encoding`. */
  readonly decoded?: true;
  /** Waits so long before the outcome is collected, in milliseconds. */
  readonly settleMs?: number;
  /** Limit for each response, in milliseconds; default 3000. */
  readonly timeoutMs?: number;
  /** Names and types of all statistics are part of the outcome, but for those of `missing-stats.ts`. */
  readonly statNames?: true;
  /** Paths of the admin interface read after the case (GET, or `POST /path`); their answers are part of the outcome. */
  readonly admin?: readonly string[];
  /** Name in `differences.ts`: ours differs on purpose, and both answers are recorded. */
  readonly difference?: string;
  /** Leaves parts of the outcome out, with good reason only: `log`, `stats`, `fate`, `connections`, `bodies`, `backends`, `order` of the headers that backends saw. */
  readonly without?: readonly ('log' | 'stats' | 'fate' | 'connections' | 'bodies' | 'backends' | 'order')[];
}

export interface Scenario {
  /** Row of the coverage table. */
  readonly feature: string;
  readonly name: string;
  /** Kinds of the backends; default one `http`. */
  readonly backends?: readonly BackendKind[];
  bootstrap(places: Places): Json;
  /** Files of the run's folder that are there before the proxy starts, each with the resources that it holds. */
  readonly files?: Readonly<
    Record<string, { readonly of: PlaneType; readonly resources: (places: Places) => readonly Json[] }>
  >;
  /** Milliseconds to wait once the proxy is ready, for health checks or DNS. */
  readonly warmUpMs?: number;
  /** Statistics compared in addition to the usual ones, or `false` for none. */
  readonly stats?: readonly RegExp[] | false;
  readonly cases: readonly Case[];
  /** There is a control plane on `places.plane` that speaks so. */
  readonly plane?: PlaneForm;
  /** The cases begin when the admin interface answers, not when the proxy is live. */
  readonly early?: boolean;
  /** Extra command-line flags, for both. */
  readonly flags?: readonly string[];
  /** The inputs are somebody else's: outcomes are kept without words of them, as hashes. */
  readonly digest?: boolean;
  /** The bootstrap must be refused or accepted alike; no cases are run, the only one may name a difference, and Envoy's words are kept for reading. */
  readonly validateOnly?: boolean;
}

export interface SeenResponse {
  readonly status: string;
  readonly headers: readonly string[];
  readonly body: string;
}

export interface SeenRequest {
  readonly backend: number;
  /** Ordinal of the connection to that backend within the case. */
  readonly connection: number;
  readonly line: string;
  readonly headers: readonly string[];
  readonly body: string;
}

/** What one case led to, normalised. */
export interface Outcome {
  readonly responses?: readonly SeenResponse[];
  /** Of the connection after the last response. */
  /** Of each connection that is encrypted: version, cipher, application protocol and whose certificate was shown, or that it was refused. */
  readonly tls?: readonly string[];
  readonly fate?: string;
  readonly backends?: readonly SeenRequest[];
  readonly log?: readonly string[];
  readonly stats?: Readonly<Record<string, number>>;
  readonly admin?: Readonly<Record<string, string>>;
  /** Types of statistics by name. */
  readonly statNames?: Readonly<Record<string, string>>;
  /** What came of the control plane's steps. */
  readonly plane?: readonly string[];
  /** Of a repeated case: share of requests by backend and by status. */
  readonly shares?: Readonly<Record<string, number>>;
  /** Of a validate-only scenario. */
  readonly accepted?: boolean;
}
