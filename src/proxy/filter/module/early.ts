import type { RequestHead } from '../../http/head.ts';
import type { BoundFilter, FilterStream, HeadVerdict, Hooks } from '../filter.ts';
import type { Filter, FilterLog, Reply } from './api.ts';
import { beginCall } from './bounds.ts';
import { type ContextOwner, ModuleContext } from './context.ts';
import type { ModuleUse } from './modules.ts';
import { ModuleRun } from './run.ts';
import type { RunSettings } from './settings.ts';

type Hook = NonNullable<Filter<unknown>['onRequestHeaders']>;

/** The hooks of a filter that has none for bodies, called where no chain is at work; none where it has. */
export function earlyHooks(use: ModuleUse, settings: RunSettings): EarlyHooks {
  const { filter } = use;
  if (seesBodies(filter)) return {};
  const hook = onlyHook(filter);
  return hook ? { early: earlyHook(use, settings, hook) } : keptHooks(use, settings);
}

type EarlyHooks = Pick<Extract<BoundFilter, { readonly begin: object }>, 'early' | 'earlyResponse'>;

/** Most requests are past the hook on their heads, where it is the only one, once it returns: nothing but the context is made for them. */
function earlyHook(use: ModuleUse, settings: RunSettings, hook: Hook): Hooks<RequestHead> {
  let version = new EarlyHook(use, settings, hook);
  return {
    head: (stream) => {
      if (version.filter === use.filter) return version.head(stream);
      // A version may have got further hooks since the chain was bound: then it takes its place in it.
      const next = onlyHook(use.filter);
      if (!next) return 'stop';
      version = new EarlyHook(use, settings, next);
      return version.head(stream);
    },
  };
}

/** Further hooks get the context of the first: the stream keeps their run. */
function keptHooks(use: ModuleUse, settings: RunSettings): EarlyHooks {
  const begin = (stream: FilterStream): ModuleRun => {
    const run = new ModuleRun(stream, { filter: use.filter, config: use.config, settings });
    stream.keep(settings, run);
    return run;
  };
  return {
    early: { head: (stream) => (seesBodies(use.filter) ? 'stop' : begin(stream).earlyRequest()) },
    earlyResponse: {
      head: (stream) => {
        const known = stream.kept(settings);
        if (known instanceof ModuleRun) return known.earlyResponse();
        // The request was answered before it came here.
        return seesBodies(use.filter) ? 'stop' : begin(stream).earlyResponse();
      },
    },
  };
}

function seesBodies({ onRequestBody, onResponseBody }: Filter<unknown>): boolean {
  return onRequestBody !== undefined || onResponseBody !== undefined;
}

function onlyHook(filter: Filter<unknown>): Hook | undefined {
  const { onRequestHeaders, onResponseHeaders, onEnd } = filter;
  return seesBodies(filter) || onResponseHeaders || onEnd ? undefined : onRequestHeaders;
}

/** One version of such a filter; a request whose hook waits, answers, fails or asks for the signal gets a run of its own. */
class EarlyHook implements ContextOwner {
  readonly filter: Filter<unknown>;
  readonly config: unknown;
  readonly settings: RunSettings;
  readonly #hook: Hook;

  constructor({ filter, config }: ModuleUse, settings: RunSettings, hook: Hook) {
    this.filter = filter;
    this.config = config;
    this.settings = settings;
    this.#hook = hook;
  }

  head(stream: FilterStream): HeadVerdict {
    const context = new ModuleContext(stream, this);
    let value: unknown;
    beginCall();
    try {
      value = this.#hook.call(this.filter, context);
    } catch (thrown) {
      return this.#run(context).early(undefined, { thrown });
    }
    return value === undefined && context.owner === this ? 'continue' : this.#run(context).early(value);
  }

  #run(context: ModuleContext): ModuleRun {
    return context.owner instanceof ModuleRun ? context.owner : new ModuleRun(context.stream, this, context);
  }

  get filterName(): string {
    return this.settings.filterName;
  }

  get log(): FilterLog {
    return this.settings.log;
  }

  takeReply(reply: Reply, context: ModuleContext): void {
    this.#run(context).takeReply(reply);
  }

  /** There is no hook for bodies. */
  skipBody(): void {}

  watchEnd(context: ModuleContext): void {
    this.#run(context).watchEnd();
  }
}
