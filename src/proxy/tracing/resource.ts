import { type Fields, isObject, typeName } from '../config/fields.ts';
import { versionText } from '../server/version.ts';
import { bytesOf } from './custom-tags.ts';

/** Attributes of the proxy itself; in text each character is a byte. */
export type Attributes = ReadonlyMap<string, string>;

const PACKAGE = 'envoy.extensions.tracers.opentelemetry.resource_detectors.v3';
const ENVIRONMENT = `${PACKAGE}.EnvironmentResourceDetectorConfig`;
const STATIC = `${PACKAGE}.StaticConfigResourceDetectorConfig`;

/** What Envoy calls a service without a name. */
const NAMELESS = 'unknown_service:envoy';

/** Reads `resource_detectors` and what else says who the proxy is. */
export function readResource(fields: Fields): Attributes {
  const attributes = new Map<string, string>();
  if (fields.boolean('set_telemetry_sdk_resource_attributes') ?? true) {
    attributes.set('telemetry.sdk.language', 'nodejs');
    attributes.set('telemetry.sdk.name', 'envoy');
    attributes.set('telemetry.sdk.version', versionText);
  }
  const name = fields.text('service_name');
  const named = fields.boolean('set_service_name_resource_attribute') ?? true;
  if (named) attributes.set('service.name', bytesOf(name) || NAMELESS);
  for (const detected of readDetectors(fields)) for (const [key, value] of detected) attributes.set(key, value);
  return attributes;
}

/** Reads `resource_detectors`: each gives attributes, a later one wins. */
export function readDetectors(fields: Fields): readonly Attributes[] {
  return fields.list('resource_detectors', readDetector);
}

function readDetector(fields: Fields): Attributes {
  fields.ignore('name');
  const config = fields.raw('typed_config');
  const type = isObject(config) ? typeName(config) : '';
  switch (type) {
    case ENVIRONMENT:
      fields.message('typed_config', () => undefined);
      return fromEnvironment(process.env['OTEL_RESOURCE_ATTRIBUTES'] ?? '');
    case STATIC:
      return fields.message('typed_config', readStatic) ?? new Map();
    default:
      fields.problem(
        'typed_config',
        `resource detector ${JSON.stringify(type)} is not supported by ciliate-proxy`,
        `${ENVIRONMENT}, ${STATIC}`,
      );
      return new Map();
  }
}

/** `key=value,key=value`, as OpenTelemetry's specification has it for `OTEL_RESOURCE_ATTRIBUTES`. */
function fromEnvironment(text: string): Attributes {
  const attributes = new Map<string, string>();
  for (const pair of text.split(',')) {
    const equals = pair.indexOf('=');
    if (equals > 0) attributes.set(bytesOf(pair.slice(0, equals)), bytesOf(pair.slice(equals + 1)));
  }
  return attributes;
}

function readStatic(fields: Fields): Attributes {
  const given = fields.raw('attributes');
  return new Map(
    Object.entries(isObject(given) ? given : {}).map(([key, value]) => [bytesOf(key), bytesOf(String(value))]),
  );
}
