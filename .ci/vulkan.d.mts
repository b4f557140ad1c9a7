/** What the set-up of tests uses of vulkan.mjs. */
export interface SoftwareVulkan {
  readonly libraries: readonly string[];
  readonly drivers: Readonly<Record<string, string>>;
  readonly missing: readonly string[];
}

export function softwareVulkan(say?: (line: string) => void): SoftwareVulkan;
export function vulkanEnvironment(found: SoftwareVulkan): Record<string, string>;
