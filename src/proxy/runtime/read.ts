import { type Fields, isObject, type JsonObject, type JsonValue } from '../config/fields.ts';
import { DENOMINATORS, type Fraction, Runtime, type RuntimeLayer } from './runtime.ts';

/** The runtime of a bootstrap that says nothing of it: all values come from the operator. */
export function adminRuntime(): Runtime {
  return new Runtime([{ name: '', values: new Map() }], '');
}

/** Reads an `envoy.config.bootstrap.v3.LayeredRuntime`. */
export function readRuntime(fields: Fields): Runtime {
  let admin: string | undefined;
  const names = new Set<string>();
  const layers = fields.list('layers', (layer): RuntimeLayer => {
    const name = layer.required('name');
    if (names.has(name)) layer.problem('name', `Duplicate layer name: ${name}`);
    names.add(name);
    switch (layer.oneOf('layer_specifier', ['static_layer', 'admin_layer'])) {
      case 'admin_layer':
        layer.message('admin_layer', () => undefined);
        if (admin !== undefined) {
          layer.problem(
            'admin_layer',
            'Too many admin layers specified in LayeredRuntime, at most one may be specified',
          );
        }
        admin = name;
        return { name, values: new Map() };
      case 'static_layer':
        return { name, values: readStatic(layer) };
      default:
        return { name, values: new Map() };
    }
  });
  return layers.length === 0 ? adminRuntime() : new Runtime(layers, admin);
}

function readStatic(layer: Fields): ReadonlyMap<string, JsonValue> {
  const values = new Map<string, JsonValue>();
  const root = layer.raw('static_layer');
  if (isObject(root)) for (const [key, value] of Object.entries(root)) walk(layer, key, value, values);
  return values;
}

/** Inner names join with dots, but for a fraction, which is one value. */
function walk(layer: Fields, key: string, value: JsonValue, out: Map<string, JsonValue>): void {
  if (value === null || Array.isArray(value)) {
    layer.problem('static_layer', `Invalid runtime entry value for ${key}`);
    return;
  }
  if (!isObject(value) || isFraction(value)) {
    out.set(key, value);
    return;
  }
  for (const [name, inner] of Object.entries(value)) walk(layer, `${key}.${name}`, inner, out);
}

function isFraction(value: JsonObject): boolean {
  return Object.keys(value).length === 0 || Object.hasOwn(value, 'numerator') || Object.hasOwn(value, 'denominator');
}

/** Whether something happens this time; `random` is a whole number from 0 up. */
export type Chance = (random: number) => boolean;

/** Reads an `envoy.type.v3.FractionalPercent`. */
export function readFraction(fields: Fields): Fraction {
  const denominator = DENOMINATORS[fields.choice('denominator', ['HUNDRED', 'TEN_THOUSAND', 'MILLION'])];
  return { numerator: fields.number('numerator') ?? 0, denominator };
}

/** Reads an `envoy.config.core.v3.RuntimeFractionalPercent`. */
export function readRuntimeFraction(fields: Fields, runtime: Runtime): Chance {
  const fallback = fields.message('default_value', readFraction);
  if (!fallback) fields.problem('default_value', 'value is required');
  return chanceOf(runtime, fields.text('runtime_key'), fallback ?? { numerator: 0, denominator: 100 });
}

export function chanceOf(runtime: Runtime, key: string, fallback: Fraction): Chance {
  if (key !== '') {
    return (random) => {
      const { numerator, denominator } = runtime.fraction(key, fallback);
      return random % denominator < numerator;
    };
  }
  const { numerator, denominator } = fallback;
  if (numerator === 0) return () => false;
  if (numerator >= denominator) return () => true;
  return (random) => random % denominator < numerator;
}

/** Reads an `envoy.config.core.v3.RuntimeFeatureFlag`. */
export function readRuntimeFlag(fields: Fields, runtime: Runtime): () => boolean {
  const key = fields.text('runtime_key');
  const fallback = fields.boolean('default_value');
  if (fallback === undefined) fields.problem('default_value', 'value is required');
  return () => runtime.flag(key, fallback ?? false);
}

/** A random number as chances take it. */
export function randomNumber(): number {
  return Math.floor(Math.random() * 0x1_0000_0000);
}
