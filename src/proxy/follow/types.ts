import type { JsonObject } from '../config/fields.ts';

/** A request that a client sends on a connection to a listener. */
export interface SentRequest {
  readonly client: string;
  /** Where the client connects to. */
  readonly destination: { readonly address: string; readonly port: number };
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly authority: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a listener does with a request: each of its ways is taken by some requests like this one. */
export interface Followed {
  /** The route configuration: one that is discovered under a name, or undefined for one that stands in the listener. */
  readonly routes: string | undefined;
  /** Names of the filters before the router: what they do to the request is not followed. */
  readonly filters: readonly string[];
  readonly ways: readonly Way[];
}

export interface Way {
  /** How many of the requests take it, from 0 to 1; measured, not computed. */
  readonly share: number;
  /** Empty: none has the request's domain. */
  readonly virtualHost: string;
  /** Undefined where none matches. Its field path counts from the route configuration, or from the listener where that stands in it. */
  readonly route: { readonly path: string; readonly match: JsonObject } | undefined;
  /** Where the request goes; undefined: the listener answers by itself. */
  readonly cluster: string | undefined;
  /** The answer of the listener. */
  readonly reply: { readonly status: number; readonly location?: string } | undefined;
  /** The request as it leaves, or as it was when it was answered. */
  readonly request: Pick<SentRequest, 'method' | 'path' | 'authority' | 'headers'>;
}
