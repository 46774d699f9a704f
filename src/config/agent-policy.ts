/*
 * What an agent's operator lets processors do on that agent. It lies in a file there, which only whoever runs the agent
 * writes: a processor file says what a processor wants, and this says what it gets.
 */

/** Where it is looked for, unless `brigade executor --policy` names another place. It need not be there. */
export const DEFAULT_POLICY_FILE = "/etc/brigade/agent.json";

/** A list that is null lets everything through. */
export interface AgentPolicy {
  readonly privileged: boolean;
  readonly processes: boolean;
  readonly volumes: readonly string[] | null;
  readonly devices: readonly string[] | null;
  readonly capabilities: readonly string[] | null;
  readonly networks: readonly string[] | null;
  readonly secrets: readonly string[] | null;
}

/** Of an agent without such a file. */
export const openPolicy: AgentPolicy = {
  privileged: false,
  processes: true,
  volumes: null,
  devices: null,
  capabilities: null,
  networks: null,
  secrets: null,
};
