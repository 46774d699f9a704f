/** What is wrong with a role's name, in Mesos' words. */
export function roleProblem(role: string): string | undefined {
  if (role === "*") return undefined;
  if (role === "") return "Role names cannot be the empty string";
  if (role.startsWith("/")) return `Role '${role}' cannot start with a slash`;
  if (role.endsWith("/")) return `Role '${role}' cannot end with a slash`;
  for (const component of role.split("/")) {
    if (component === "") return `Role '${role}' cannot contain two adjacent slashes`;
    if (component === "." || component === ".." || component === "*") {
      return `Role '${role}' cannot include '${component}' as a component`;
    }
    if (component.startsWith("-")) return `Role component '${component}' is invalid because it starts with a dash`;
    if (/\s/.test(component) || component.includes("\b")) {
      return `Role component '${component}' is invalid because it contains backspace or whitespace`;
    }
  }
  return undefined;
}
