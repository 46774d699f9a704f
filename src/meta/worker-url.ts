/**
 * Where the Worker's program stands.
 *
 * In the compiled binary every chunk of the bundle lies in `/$bunfs/root/`, and the entry points under it by their own
 * paths with `.js`; there `../..` of the source tree would leave the bundle, and Bun would look on disk (bun#22098).
 */
export function processorWorkerUrl(): URL {
  const here = import.meta.url;
  return new URL(Bun.isStandaloneExecutable ? "./workers/processor.js" : "../../workers/processor.ts", here);
}
