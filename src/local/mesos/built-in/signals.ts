import { constants } from "node:os";

/** What C calls them (`strsignal`), which is what Mesos writes. */
const names: Readonly<Record<string, string>> = {
  SIGHUP: "Hangup",
  SIGINT: "Interrupt",
  SIGQUIT: "Quit",
  SIGILL: "Illegal instruction",
  SIGTRAP: "Trace/breakpoint trap",
  SIGABRT: "Aborted",
  SIGBUS: "Bus error",
  SIGFPE: "Floating point exception",
  SIGKILL: "Killed",
  SIGUSR1: "User defined signal 1",
  SIGSEGV: "Segmentation fault",
  SIGUSR2: "User defined signal 2",
  SIGPIPE: "Broken pipe",
  SIGALRM: "Alarm clock",
  SIGTERM: "Terminated",
  SIGXCPU: "CPU time limit exceeded",
  SIGXFSZ: "File size limit exceeded",
};

/** How a command ended. */
export type CommandEnd =
  | { readonly type: "exited"; readonly code: number }
  | { readonly type: "signalled"; readonly signal: NodeJS.Signals };

/** As Mesos puts it behind "Command": `exited with status 7`, `terminated with signal Killed`. */
export function printEnd(end: CommandEnd): string {
  if (end.type === "exited") return `exited with status ${end.code}`;
  const name = names[end.signal] ?? `Unknown signal ${constants.signals[end.signal]}`;
  return `terminated with signal ${name}`;
}
