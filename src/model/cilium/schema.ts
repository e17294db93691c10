/** A node of a structural OpenAPI v3 schema as CustomResourceDefinitions carry it. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly default?: string;
  readonly anyOf?: readonly Schema[];
  readonly 'x-kubernetes-int-or-string'?: true;
  readonly 'x-kubernetes-preserve-unknown-fields'?: true;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic';
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message: string }[];
}

type Details = Omit<Schema, 'type' | 'items' | 'properties'>;

export function text(description?: string, details: Details = {}): Schema {
  return { type: 'string', ...(description === undefined ? {} : { description }), ...details };
}

export function choice(values: readonly string[], description?: string): Schema {
  return text(description, { enum: values });
}

export function integer(minimum?: number, maximum?: number, description?: string): Schema {
  return {
    type: 'integer',
    ...(description === undefined ? {} : { description }),
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  };
}

export const flag: Schema = { type: 'boolean' };

export function list(items: Schema, description?: string, details: Details = {}): Schema {
  return { type: 'array', items, ...(description === undefined ? {} : { description }), ...details };
}

export function object(
  properties: Readonly<Record<string, Schema>>,
  description?: string,
  details: Details = {},
): Schema {
  return { type: 'object', properties, ...(description === undefined ? {} : { description }), ...details };
}

export function mapOf(values: Schema, description?: string): Schema {
  return { type: 'object', additionalProperties: values, ...(description === undefined ? {} : { description }) };
}

/** Anything at all, kept as it is. */
export const freeObject: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

export const labelSelector: Schema = object(
  {
    matchLabels: mapOf(text(undefined, { maxLength: 63 }), 'Labels that must all be present with these values.'),
    matchExpressions: list(
      object(
        {
          key: text(),
          operator: choice(['In', 'NotIn', 'Exists', 'DoesNotExist']),
          values: list(text(), undefined, { 'x-kubernetes-list-type': 'atomic' }),
        },
        undefined,
        { required: ['key', 'operator'] },
      ),
      'Requirements that must all hold.',
      { 'x-kubernetes-list-type': 'atomic' },
    ),
  },
  undefined,
  { 'x-kubernetes-map-type': 'atomic' },
);

/** `status.conditions`, merged by type. */
export const conditions: Schema = list(
  object(
    {
      type: text(),
      status: choice(['True', 'False', 'Unknown']),
      reason: text(),
      message: text(),
      lastTransitionTime: text(undefined, { format: 'date-time' }),
      observedGeneration: integer(0),
    },
    undefined,
    { required: ['type', 'status'] },
  ),
  'What the agents say about the object.',
  { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
);
