import { randomBytes } from 'node:crypto';
import { type HrTime, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Logger } from '../base/index.ts';
import {
  type Attributes,
  compileSelection,
  type FlowRecord,
  flowRecord,
  type RequestSpan,
  requestSpan,
  resourceAttributes,
  type TelemetrySettings,
  type Workload,
} from '../hubble/index.ts';
import { type Batches, createBatches } from './batches.ts';
import type { FlowListener } from './flows.ts';

export interface TelemetrySenderOptions {
  readonly settings: TelemetrySettings;
  readonly nodeName: string;
  readonly version: string;
  readonly log: Logger;
}

export interface TelemetrySender {
  readonly take: FlowListener;
  /** Sends what waits, within a second. */
  close(): Promise<void>;
}

/** As OpenTelemetry's batch processors have it by default. */
const queue = { mostWaiting: 2048, mostAtOnce: 512, gatherMs: 1_000 } as const;
const requestTimeoutMs = 5_000;
const closeTimeoutMs = 1_000;
/** Loss is logged at most so often. */
const lossLogMs = 10_000;
/** Workloads that have a resource of their own; names of pods without number must not fill the memory. */
const mostResources = 1_000;

/** Sends spans and records to a collector. What it does not take in time is counted and let go; nothing waits for it. */
export function createTelemetrySender(options: TelemetrySenderOptions): TelemetrySender {
  const { settings, nodeName, version, log } = options;
  const selection = compileSelection(settings.allow, settings.deny);
  const isWanted = selection.ok ? selection.value : (): boolean => false;
  const scope = { name: 'ciliate', version };
  const resourceOf = createResources((workload) => resourceAttributes(workload, nodeName, version));
  const common = { headers: { ...settings.headers }, timeoutMillis: requestTimeoutMs };
  const traces = settings.traces
    ? exportTo(new OTLPTraceExporter({ ...common, url: `${settings.endpoint}/v1/traces` }), lossLog(log, 'spans'))
    : undefined;
  const logs = settings.logs
    ? exportTo(new OTLPLogExporter({ ...common, url: `${settings.endpoint}/v1/logs` }), lossLog(log, 'log records'))
    : undefined;
  return {
    take: (event, flows) => {
      const [request] = flows;
      if (traces && event.kind === 'http' && request && flows.some(isWanted) && !traces.refuses()) {
        const span = requestSpan(event, request);
        // Who asked decided that this trace is not recorded.
        if (span.parent?.sampled !== false) traces.add(readableSpan(span, resourceOf(span.workload), scope));
      }
      for (const flow of logs ? flows : []) {
        if (!isWanted(flow) || logs?.refuses()) continue;
        const record = flowRecord(flow);
        logs?.add(readableRecord(record, resourceOf(record.workload), scope));
      }
    },
    close: async () => {
      await Promise.all([traces?.close(closeTimeoutMs), logs?.close(closeTimeoutMs)]);
    },
  };
}

interface OtlpExporter<T> {
  export(items: T[], done: (result: { readonly code: number; readonly error?: Error }) => void): void;
}

function exportTo<T>(exporter: OtlpExporter<T>, onLost: (count: number, reason: string) => void): Batches<T> {
  const send = (items: readonly T[]): Promise<void> =>
    new Promise((resolve, reject) => {
      exporter.export([...items], ({ code, error }) => {
        if (code === 0) resolve();
        else reject(error ?? new Error('the collector did not take it'));
      });
    });
  return createBatches({ send, onLost, ...queue });
}

/** Says the first loss at once, and later ones together. */
function lossLog(log: Logger, what: string): (count: number, reason: string) => void {
  let lost = 0;
  let nextAt = 0;
  return (count, reason) => {
    lost += count;
    const now = performance.now();
    if (now < nextAt) return;
    nextAt = now + lossLogMs;
    log.warn({ lost, reason }, `${what} for OpenTelemetry are lost`);
    lost = 0;
  };
}

/** One object for each workload, by which spans and records are grouped. */
function createResources(attributesOf: (workload: Workload) => Attributes): (workload: Workload) => Resource {
  const known = new Map<string, Resource>();
  return (workload) => {
    const key = `${workload.namespace}/${workload.kind}/${workload.name}`;
    const found = known.get(key);
    if (found) return found;
    if (known.size >= mostResources) known.clear();
    const made = resourceFromAttributes(mutable(attributesOf(workload)));
    known.set(key, made);
    return made;
  };
}

type Scope = ReadableSpan['instrumentationScope'];

function readableSpan(span: RequestSpan, resource: Resource, scope: Scope): ReadableSpan {
  const { parent, error } = span;
  const traceId = parent?.traceId ?? randomBytes(16).toString('hex');
  const own = { traceId, spanId: randomBytes(8).toString('hex'), traceFlags: 1 };
  return {
    name: span.name,
    kind: span.kind === 'client' ? SpanKind.CLIENT : SpanKind.SERVER,
    spanContext: () => own,
    ...(parent && { parentSpanContext: { traceId, spanId: parent.spanId, traceFlags: 1, isRemote: true } }),
    startTime: hrTime(span.startNs),
    endTime: hrTime(span.endNs),
    duration: hrTime(span.endNs - span.startNs),
    status: error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    attributes: mutable(span.attributes),
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

const severities = { INFO: SeverityNumber.INFO, WARN: SeverityNumber.WARN, ERROR: SeverityNumber.ERROR } as const;

function readableRecord(record: FlowRecord, resource: Resource, scope: Scope): ReadableLogRecord {
  const { parent, severity } = record;
  return {
    hrTime: hrTime(record.timeNs),
    hrTimeObserved: hrTime(BigInt(Date.now()) * 1_000_000n),
    ...(parent && {
      spanContext: { traceId: parent.traceId, spanId: parent.spanId, traceFlags: parent.sampled ? 1 : 0 },
    }),
    severityNumber: severities[severity],
    severityText: severity,
    body: record.body,
    eventName: 'hubble.flow',
    resource,
    instrumentationScope: scope,
    attributes: mutable(record.attributes),
    droppedAttributesCount: 0,
  };
}

function hrTime(ns: bigint): HrTime {
  return [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)];
}

/** The libraries' types take lists that could be changed. */
function mutable(attributes: Attributes): Record<string, string | number | string[]> {
  return attributes as Record<string, string | number | string[]>;
}
