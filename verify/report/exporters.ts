import type { Verdict } from '../verdict.ts';
import { renderBadge } from './badge.ts';
import { renderPage } from './html/page.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import { renderTerminal } from './terminal.ts';

/** Renders a verdict as the text of one format. */
export type Exporter = (verdict: Verdict) => string;

/** Every format that a verdict comes in. The JSON has everything; the others are rendered from it. */
export const EXPORTERS = {
  terminal: renderTerminal,
  json: (verdict) => `${JSON.stringify(verdict, null, 2)}\n`,
  junit: renderJunit,
  html: renderPage,
  markdown: renderMarkdown,
  badge: renderBadge,
} as const satisfies Record<string, Exporter>;

export type ReportFormat = keyof typeof EXPORTERS;
