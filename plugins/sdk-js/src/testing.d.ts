import type { Definition } from "./index.js";

/** What a stream is opened with; what isn't given is the default. */
export interface OpenOptions {
  /** Settings that differ from the schema's defaults. */
  config?: Record<string, unknown>;
  seed?: bigint | number;
  streamIndex?: number;
  streamCount?: number;
  /** What `save` of another stream gave. */
  state?: Uint8Array;
}

/** A record as it would reach a sink; `text` is "" where nothing happened. */
export interface TestRecord {
  text: string;
  key: string;
  channel: string;
  operation: "append" | "upsert" | "delete";
}

export interface TestStream {
  /** `count` records from `first` on, one a second from 2026 on unless said otherwise; fewer where the stream ends. */
  records(first: number, count: number, times?: { start?: bigint; step?: bigint }): TestRecord[];
  /** The batch as it would cross to the host. Times are nanoseconds since the Unix epoch. */
  batch(first: number | bigint, times: readonly bigint[]): object;
  save(): Uint8Array | undefined;
}

/** Opens a stream as the host would, without WebAssembly: the same code, the same bytes. */
export function openStream(definition: Definition<any, any>, options?: OpenOptions): TestStream;

/** The messages logged since the last time, the first thousand of them. */
export function takeLog(): { level: "debug" | "info" | "warn" | "error"; message: string }[];

/** Lays out an asset, as a spec would. */
export function setAsset(name: string, content: string | Uint8Array): void;
