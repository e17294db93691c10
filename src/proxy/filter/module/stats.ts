import { counter, sharedCounter, statsKind } from '../../stats/kind.ts';

/** `http_filter_module.<filter>.` */
export class ModuleStats {
  errors = 0;
  timeouts = 0;
  replies = 0;
  logDropped = 0;
  reloadSuccess = 0;
  reloadFailed = 0;
}

export const MODULE_STATS = statsKind(ModuleStats, {
  errors: counter('errors'),
  timeouts: counter('timeouts'),
  replies: counter('replies'),
  logDropped: counter('log_dropped'),
  reloadSuccess: sharedCounter('reload_success'),
  reloadFailed: sharedCounter('reload_failed'),
});
