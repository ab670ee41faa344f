import fc from 'fast-check';

// AVA does not print the cause of an error: without this a red property says which case it is, and not what
// was wrong with it.
fc.configureGlobal({ includeErrorInReport: true });

export * from 'fast-check';
export default fc;
