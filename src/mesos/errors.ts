import { BrigadeError } from "../base/errors.ts";

/** A connection could not be opened, broke, or fell silent. What was sent over it may or may not have had its effect. */
export class ConnectionLostError extends BrigadeError {
  override readonly name = "ConnectionLostError";
  readonly code = "mesos-connection-lost";
  readonly fault = "infrastructure";
}

/** What came over a connection is not HTTP/1.1, or more than its bounds allow. */
export class HttpProtocolError extends BrigadeError {
  override readonly name = "HttpProtocolError";
  readonly code = "mesos-http-protocol";
  readonly fault = "infrastructure";
}

/** No master is known that could be tried. One may announce itself at any time. */
export class MasterUnknownError extends BrigadeError {
  override readonly name = "MasterUnknownError";
  readonly code = "mesos-master-unknown";
  readonly fault = "infrastructure";
}

/** A server answered that it cannot serve now: booting, recovering, not the leader. Another one, or later. */
export class ServerUnavailableError extends BrigadeError {
  override readonly name = "ServerUnavailableError";
  readonly code = "mesos-unavailable";
  readonly fault = "infrastructure";
  /** HTTP status; 0 where no server is known. */
  readonly status: number;

  constructor(what: string, status: number, answer: string) {
    super(`Cannot subscribe at ${what}: ${answerText(status, answer)}`);
    this.status = status;
  }
}

/** A subscription was refused for what it says or who sent it: to repeat it would give the same answer. */
export class SubscriptionRefusedError extends BrigadeError {
  override readonly name = "SubscriptionRefusedError";
  readonly code = "mesos-subscription-refused";
  readonly fault = "input";
}

/** The master said that the subscription is over (event ERROR), for no reason that ends the framework. */
export class SubscriptionOverError extends BrigadeError {
  override readonly name = "SubscriptionOverError";
  readonly code = "mesos-subscription-over";
  readonly fault = "infrastructure";
}

/** The operator API does not answer this call to us: not authorised, or not known to this master. */
export class OperatorRefusedError extends BrigadeError {
  override readonly name = "OperatorRefusedError";
  readonly code = "mesos-operator-refused";
  readonly fault = "input";
  readonly status: number;

  constructor(callType: string, status: number, answer: string) {
    super(`Cannot ask the master ${callType}: ${answerText(status, answer)}`);
    this.status = status;
  }
}

/** The operator API cannot answer now: booting, recovering, no leader, too slow. Another master, or later. */
export class OperatorUnavailableError extends BrigadeError {
  override readonly name = "OperatorUnavailableError";
  readonly code = "mesos-operator-unavailable";
  readonly fault = "infrastructure";
}

/** A call was answered by something else than 202: it had no effect. */
export class CallRejectedError extends BrigadeError {
  override readonly name = "CallRejectedError";
  readonly code = "mesos-call-rejected";
  readonly fault = "infrastructure";
  /** HTTP status of the answer. */
  readonly status: number;
  /** Text of the answer. */
  readonly answer: string;

  constructor(callType: string, status: number, answer: string) {
    super(`Cannot call ${callType}: ${answerText(status, answer)}`);
    this.status = status;
    this.answer = answer;
  }

  /**
   * The server has forgotten our subscription: subscribe anew before anything is called again.
   *
   * Mesos answers some of these with a bare 400 and tells them apart by text alone (framework unknown, stream id
   * superseded or missing).
   */
  get subscriptionLost(): boolean {
    if (this.status === 403) return true;
    return this.status === 400 && lostTexts.some((text) => this.answer.startsWith(text));
  }
}

const lostTexts = [
  "Framework cannot be found",
  "Executor cannot be found",
  "The stream ID ",
  "All non-subscribe calls should include the 'Mesos-Stream-Id' header",
];

function answerText(status: number, answer: string): string {
  const text = answer.trim().slice(0, 500);
  if (status === 0) return text;
  return text === "" ? `the answer is ${status}` : `the answer is ${status}, ${text}`;
}
