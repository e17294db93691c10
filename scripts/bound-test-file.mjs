// Loaded into each test file's process. The runner's time limit is for tests: a file whose tests are over, but which something keeps alive,
// would not end.
const LIMIT_MS = 480_000;

if (process.env.NODE_TEST_CONTEXT) {
  setTimeout(() => {
    const alive = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`${process.argv[1]} did not end within ${LIMIT_MS / 1000} s; it is kept alive by ${alive}\n`);
    process.exit(1);
  }, LIMIT_MS).unref();
}
