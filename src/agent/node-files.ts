import path from 'node:path';

/** The file that stands for a path of the node, which cannot lead out of what stands for the node's root. */
export function below(nodeFiles: string, file: string): string {
  return path.join(nodeFiles, path.posix.normalize(`/${file}`));
}
