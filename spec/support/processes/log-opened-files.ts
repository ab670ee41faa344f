import { appendFileSync } from 'node:fs';
import { onOpen } from './opened-files.ts';

/** Names the folder whose files are logged. */
export const OPENED_FOLDER = 'PLUMBLINE_OPENED_FOLDER';
/**
 * Names the log: a line for each file opened, with the process and the path. It must not be in that folder.
 */
export const OPENED_LOG = 'PLUMBLINE_OPENED_LOG';

// For `node --import`: it has taken effect before the program is loaded.
const { [OPENED_FOLDER]: folder, [OPENED_LOG]: log } = process.env;
if (folder && log) {
  onOpen((path) => {
    if (path.startsWith(`${folder}/`)) appendFileSync(log, `${process.pid} ${path}\n`);
  });
}
