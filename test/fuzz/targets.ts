import { clientHellos } from './client-hello.ts';
import { formats } from './formats.ts';
import { headerValues } from './header-values.ts';
import { hpackBlocks } from './hpack.ts';
import { chunkedBodies, requests, responses } from './http.ts';
import { http2Frames } from './http2.ts';
import { keySets, tokens } from './jwt.ts';
import { oauthCallbacks } from './oauth.ts';
import { proxyHeaders } from './proxy-protocol.ts';
import { resources } from './resources.ts';
import type { Target } from './target.ts';

export const targets: readonly Target[] = [
  requests,
  responses,
  chunkedBodies,
  resources,
  formats,
  clientHellos,
  http2Frames,
  hpackBlocks,
  tokens,
  keySets,
  headerValues,
  oauthCallbacks,
  proxyHeaders,
];
