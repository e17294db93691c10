import { RequestHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import { applyMutation } from '../../route/mutation.ts';
import type { HttpAnswer } from '../async/http-call.ts';
import type { FilterStream } from '../filter.ts';
import { FRAMING } from '../framing.ts';
import type { HeaderNames } from '../header-names.ts';
import { headerText } from '../request-fields.ts';
import type { CheckContent } from './config.ts';
import type { HttpService } from './http-service.ts';
import { mergedHeaders, type ToldBody, toldHeaders } from './told.ts';
import { FAILED, type Field, NO_MUTATIONS, type Verdict } from './verdict.ts';

const ALWAYS_TOLD: ReadonlySet<string> = new Set(['authorization', ':method', ':path', ':authority']);
const TO_REMOVE = 'x-envoy-auth-headers-to-remove';

/** The head of a check request. Of one that lacks what may not be told nothing goes out. */
export function checkHead(
  stream: FilterStream,
  service: HttpService,
  content: CheckContent,
  body: ToldBody | undefined,
): RequestHead {
  const allowed = service.allowed ?? content.allowed;
  const names: HeaderNames = (name) => ALWAYS_TOLD.has(name) || (allowed?.(name) ?? false);
  const told = toldHeaders(stream, content, names, body);
  const head = new RequestHead();
  const { headers, framing } = head;
  const length = body?.bytes.length ?? 0;
  headers.add('content-length', String(length));
  framing.contentLength = length;
  const fields: readonly Field[] = content.rawHeaders
    ? told
    : Object.entries(mergedHeaders(told)).map(([name, value]) => [name, headerText(value)]);
  for (const [name, value] of fields) {
    if (name === ':method') head.method = value;
    else if (name === ':path') head.path = pathOf(value, service);
    else if (name === ':authority') head.authority = value;
    else if (isOwn(name)) headers.add(name, value);
  }
  applyMutation(service.headersToAdd, headers, stream);
  head.hasAuthority = head.authority !== '';
  head.scheme = 'http';
  return head;
}

function pathOf(path: string, { pathPrefix, pathOverride }: HttpService): string {
  return pathOverride === '' ? pathPrefix + path : pathOverride;
}

/** Fields of the head and those that frame the message are not the client's. */
function isOwn(name: string): boolean {
  return !name.startsWith(':') && !FRAMING.has(name);
}

/** What an answer says: 200 allows, what is no server error denies. */
export function verdictOf(answer: HttpAnswer, service: HttpService): Verdict {
  if (!answer || (answer.status >= 500 && answer.status < 600)) return FAILED;
  const { status, headers, body } = answer;
  const remove = status === 200 ? namesToRemove(headers) : [];
  headers.remove(TO_REMOVE);
  const of = (names: HeaderNames): readonly Field[] => headers.list().filter(([name]) => names(name));
  const metadata = Object.fromEntries(of(service.metadata));
  if (status !== 200)
    return { kind: 'denied', status, fields: of(service.clientDenied), body: body.toString('latin1'), metadata };
  return {
    kind: 'ok',
    mutations: {
      ...NO_MUTATIONS,
      set: of(service.upstream),
      add: of(service.upstreamAppended),
      remove,
      response: { ...NO_MUTATIONS.response, add: of(service.clientAllowed) },
    },
    metadata,
  };
}

function namesToRemove(headers: HeaderMap): readonly string[] {
  return headers.all(TO_REMOVE).flatMap((list) =>
    list
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  );
}
