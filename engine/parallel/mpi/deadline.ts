import { workerData } from 'node:worker_threads';

/** A thread that ends its process, whatever that is in the middle of, unless it is ended first. @param workerData ms. */
setTimeout(() => process.kill(process.pid, 'SIGKILL'), workerData);
