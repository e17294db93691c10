import type { RequestHead } from '../../http/head.ts';
import type { FilterStream, HeadVerdict, Hooks } from '../filter.ts';
import type { Filter, FilterLog, Reply } from './api.ts';
import { type ContextOwner, ModuleContext } from './context.ts';
import type { ModuleUse } from './modules.ts';
import { ModuleRun, type RunSettings } from './run.ts';

type Hook = NonNullable<Filter<unknown>['onRequestHeaders']>;

/**
 * The hook on heads of requests of a filter that has no other, called where no chain is at work: most requests are past it once it returns, so
 * nothing but the context is made for them. Undefined where the filter has other hooks.
 */
export function earlyHook(use: ModuleUse, settings: RunSettings): Hooks<RequestHead> | undefined {
  const hook = onlyHook(use.filter);
  if (!hook) return undefined;
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

function onlyHook(filter: Filter<unknown>): Hook | undefined {
  const { onRequestHeaders, onRequestBody, onResponseHeaders, onResponseBody, onEnd } = filter;
  return onRequestBody || onResponseHeaders || onResponseBody || onEnd ? undefined : onRequestHeaders;
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
