import type { GrpcMessage } from '../model/envoy/index.ts';
import { type ClientCache, createClientCache, type ProtocolForm } from './client-cache.ts';
import { encodedNames, type Outgoing } from './client-channel.ts';
import { textIn } from './message.ts';

/** What a client wants of one type and how far it got with it. */
export interface ClientSubscription {
  /** Changes what is wanted; the request that says so, or undefined when nothing changed. Absent `names`: everything. */
  want(names: readonly string[] | undefined): Outgoing | undefined;
  /** The first request on a new stream, undefined before anything is wanted. */
  initialRequest(): Outgoing | undefined;
  read(response: GrpcMessage): ReturnType<ClientCache['read']>;
  /** The ACK or NACK of a response that was read; `errors` by resource name. */
  answer(response: GrpcMessage, errors: ReadonlyMap<string, string>): Outgoing;
}

/** google.rpc.Code INVALID_ARGUMENT. */
const invalidArgument = 3;
const maxErrorLength = 8192;

export function createClientSubscription(typeUrl: string, form: ProtocolForm): ClientSubscription {
  const cache = createClientCache(typeUrl, form);
  const names = new Set<string>();
  let wanted = false;
  /** Version of the last response that was accepted, and nonce of the last one at all. */
  let version = '';
  let nonce = '';
  /** Undefined: to be made anew. */
  let encoded: Buffer | undefined;

  function stateRequest(responseNonce: string, detail: GrpcMessage = {}): Outgoing {
    encoded ??= encodedNames([...names]);
    return { fields: { type_url: typeUrl, version_info: version, response_nonce: responseNonce, ...detail }, encoded };
  }

  return {
    want(next) {
      const wantedNames = next ?? [];
      const kept = new Set(wantedNames);
      const added = [...kept].filter((name) => !names.has(name));
      const gone = kept.size === names.size + added.length ? [] : [...names].filter((name) => !kept.has(name));
      if (wanted && added.length === 0 && gone.length === 0) return undefined;
      wanted = true;
      encoded = undefined;
      for (const name of gone) names.delete(name);
      for (const name of added) names.add(name);
      cache.forget(gone);
      if (form === 'sotw') return stateRequest(nonce);
      return { fields: { type_url: typeUrl, resource_names_subscribe: added, resource_names_unsubscribe: gone } };
    },

    initialRequest() {
      if (!wanted) return undefined;
      nonce = '';
      if (form === 'sotw') return stateRequest('');
      const fields = { resource_names_subscribe: [...names], initial_resource_versions: cache.versions() };
      return { fields: { type_url: typeUrl, ...fields } };
    },

    read(response) {
      nonce = textIn(response, 'nonce');
      return cache.read(response, names);
    },

    answer(response, errors) {
      if (errors.has('')) cache.discard();
      else cache.accept(errors);
      if (errors.size === 0) version = textIn(response, 'version_info');
      const detail = errors.size === 0 ? {} : { error_detail: { code: invalidArgument, message: errorText(errors) } };
      if (form === 'sotw') return stateRequest(nonce, detail);
      return { fields: { type_url: typeUrl, response_nonce: nonce, ...detail } };
    },
  };
}

function errorText(errors: ReadonlyMap<string, string>): string {
  const text = [...errors].map(([name, reason]) => (name === '' ? reason : `${name}: ${reason}`)).join('; ');
  return text.length > maxErrorLength ? `${text.slice(0, maxErrorLength)}...` : text;
}
