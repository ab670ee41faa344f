import { workerData } from 'node:worker_threads';

/**
 * A thread that kills its process after `workerData` ms, even if the main thread is blocked, unless it is
 * terminated.
 */
setTimeout(() => process.kill(process.pid, 'SIGKILL'), workerData);
