import { type Fields, isObject } from '../../config/fields.ts';
import { type BufferSettings, readBuffer, readGrpcOf, type Service } from './config.ts';
import { readHttpService } from './http-service.ts';

/** What a route says about authorization: an `envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute`. */
export interface AuthzOverride {
  readonly disabled: boolean;
  readonly extensions: Readonly<Record<string, string>>;
  /** No body goes along. */
  readonly bodyless: boolean;
  readonly buffer: BufferSettings | undefined;
  readonly service: Service | undefined;
  readonly recorded: boolean | undefined;
}

const NOTHING: AuthzOverride = {
  disabled: false,
  extensions: {},
  bodyless: false,
  buffer: undefined,
  service: undefined,
  recorded: undefined,
};

export function readAuthzOverride(fields: Fields): AuthzOverride {
  switch (fields.oneOf('override', ['disabled', 'check_settings'])) {
    case 'disabled':
      return { ...NOTHING, disabled: fields.flag('disabled') };
    default:
      return fields.message('check_settings', readSettings) ?? NOTHING;
  }
}

function readSettings(fields: Fields): AuthzOverride {
  const extensions = fields.raw('context_extensions');
  const bodyless = fields.flag('disable_request_body_buffering');
  const buffer = fields.message('with_request_body', readBuffer)?.settings;
  if (bodyless && buffer) {
    fields.problem(
      '',
      'Invalid configuration for check_settings. Only one of disable_request_body_buffering or with_request_body can be set.',
    );
  }
  return {
    disabled: false,
    extensions: isObject(extensions) ? textsOf(extensions) : {},
    bodyless,
    buffer,
    service: readOverride(fields),
    recorded: fields.boolean('emit_client_span'),
  };
}

function textsOf(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}

function readOverride(fields: Fields): Service | undefined {
  if (fields.has('grpc_service')) {
    if (fields.has('http_service'))
      fields.problem('http_service', 'only one of grpc_service and http_service may be set');
    return readGrpcOf(fields);
  }
  const http = fields.message('http_service', readHttpService);
  return http && { kind: 'http', http };
}
