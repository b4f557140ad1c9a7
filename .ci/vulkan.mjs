/**
 * Vulkan drivers that run on the CPU, for tests of WebGPU on machines without a GPU: Mesa's lavapipe (which has f16 and
 * subgroups) and SwiftShader (which has neither, and low limits).
 *
 * Nothing is installed: on Debian the packages are fetched with apt from the sources that the machine has, into
 * .cache/vulkan, and taken apart there. A browser's own SwiftShader is used where there is one. Plain Node without
 * dependencies.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const cache = join(root, ".cache", "vulkan");

/** Where browsers that are installed have SwiftShader. */
const browsers = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"];

/** Packages of Debian with the libraries that lavapipe needs and a bare machine lacks. */
const librariesOfLavapipe = [
  "libllvm15",
  "libx11-xcb1",
  "libxcb1",
  "libxcb-randr0",
  "libxcb-dri3-0",
  "libxcb-present0",
  "libxcb-xfixes0",
  "libxcb-sync1",
  "libxcb-shm0",
  "libxau6",
  "libxdmcp6",
  "libbsd0",
  "libmd0",
  "libxshmfence1",
  "libwayland-client0",
  "libdrm2",
  "libexpat1",
  "libffi8",
  "libedit2",
  "libz3-4",
  "libxml2",
  "libicu72",
];

const manifest = (library) =>
  `${JSON.stringify({ file_format_version: "1.0.0", ICD: { api_version: "1.3.0", library_path: library } })}\n`;

/**
 * The drivers, fetched where they are not in the cache yet.
 * @param say told what is fetched
 * @returns the folder of libvulkan.so.1, the .json files by driver, and why drivers are missing
 */
export function softwareVulkan(say = () => {}) {
  const drivers = {};
  const missing = [];
  for (const [name, fetch] of Object.entries({ lavapipe: fetchLavapipe, swiftshader: fetchSwiftShader })) {
    const folder = join(cache, name);
    const file = join(folder, "icd.json");
    try {
      if (!existsSync(file)) {
        say(`fetching the Vulkan driver ${name} into .cache …`);
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder, { recursive: true });
        writeFileSync(file, manifest(fetched(fetch, folder)));
      }
      drivers[name] = file;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      missing.push(`${name}: ${error.message}`);
    }
  }
  return { libraries: Object.keys(drivers).map((name) => join(cache, name)), drivers, missing };
}

/** How often a driver is asked for, of archives that may not answer for a moment, where all is lost without it. */
const tries = process.env.CI ? 4 : 1;

/** Fetches a driver; gives the path of its library. @throws Error where that fails again and again, with the last reason */
function fetched(fetch, folder) {
  for (let left = tries - 1; ; left--) {
    try {
      return fetch(folder);
    } catch (error) {
      if (left === 0) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
    }
  }
}

/** The environment in which a process finds the drivers. */
export function vulkanEnvironment({ libraries, drivers }) {
  const before = process.env.LD_LIBRARY_PATH;
  return {
    VK_DRIVER_FILES: Object.values(drivers).join(":"),
    LD_LIBRARY_PATH: [...libraries, ...(before ? [before] : [])].join(":"),
  };
}

function fetchSwiftShader(folder) {
  const own = browsers.find((each) => existsSync(join(each, "libvk_swiftshader.so")));
  if (own !== undefined) {
    for (const name of ["libvk_swiftshader.so", "libvulkan.so.1"]) copyFileSync(join(own, name), join(folder, name));
  } else {
    const unpacked = withPackages(["chromium-common"], "", (x) => {
      for (const name of ["libvk_swiftshader.so", "libvulkan.so.1"])
        copyFileSync(join(x, "usr/lib/chromium", name), join(folder, name));
      return true;
    });
    if (!unpacked) throw new Error("chromium-common holds no SwiftShader");
  }
  return "./libvk_swiftshader.so";
}

function fetchLavapipe(folder) {
  const copyLibraries = (from) => {
    const libraries = join(from, "usr/lib/x86_64-linux-gnu");
    for (const name of existsSync(libraries) ? readdirSync(libraries) : []) {
      if (/\.so\.\d/.test(name)) cpSync(join(libraries, name), join(folder, name), { dereference: true });
    }
  };
  withPackages(["libvulkan1"], "", copyLibraries);
  // Debian 12's own Mesa is too old for Dawn; its backports have a newer one.
  withPackages(["mesa-vulkan-drivers"], "-backports", (x) =>
    copyFileSync(join(x, "usr/lib/x86_64-linux-gnu/libvulkan_lvp.so"), join(folder, "libvulkan_lvp.so")),
  );
  if (lacking(folder).length > 0) withPackages(librariesOfLavapipe, "", copyLibraries);
  const left = lacking(folder);
  if (left.length > 0) throw new Error(`it needs ${left.join(", ")}`);
  return "./libvulkan_lvp.so";
}

/** The libraries that lavapipe does not find. */
function lacking(folder) {
  const { stdout } = spawnSync("ldd", [join(folder, "libvulkan_lvp.so")], {
    encoding: "utf8",
    env: { ...process.env, LD_LIBRARY_PATH: folder },
  });
  return (stdout ?? "").split("\n").flatMap((line) => (/not found/.test(line) ? [line.trim().split(" ")[0]] : []));
}

/** Fetches packages, unpacks them to a temporary folder and uses that. @param suffix of the release, as `-backports` */
function withPackages(names, suffix, use) {
  const work = mkdtempSync(join(tmpdir(), "trafo-vulkan-"));
  try {
    const { sources, keyring } = debianSources(suffix);
    const lists = join(cache, `lists${suffix}`);
    mkdirSync(join(lists, "partial"), { recursive: true });
    mkdirSync(join(work, "archives", "partial"), { recursive: true });
    writeFileSync(
      join(work, "sources.list"),
      sources.map((each) => `deb [signed-by=${keyring}] ${each} main\n`).join(""),
    );
    const apt = (...rest) =>
      command("apt-get", [
        "-qq",
        ...["-o", `Dir::Etc::sourcelist=${work}/sources.list`, "-o", "Dir::Etc::sourceparts=-"],
        ...["-o", `Dir::State::Lists=${lists}`, "-o", `Dir::Cache=${work}`, "-o", "APT::Sandbox::User="],
        ...rest,
      ]);
    if (readdirSync(lists).every((name) => !name.endsWith("Packages") && !/Packages\./.test(name))) apt("update");
    const fetched = spawnIn(work, apt, names);
    for (const file of fetched) command("dpkg", ["-x", join(work, file), join(work, "x")]);
    return use(join(work, "x"));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Downloads packages to a folder; returns their files. */
function spawnIn(folder, apt, names) {
  const before = process.cwd();
  process.chdir(folder);
  try {
    apt("download", ...names);
  } finally {
    process.chdir(before);
  }
  return readdirSync(folder).filter((name) => name.endsWith(".deb"));
}

/** The archives that the machine's own apt is set up with. */
function debianSources(suffix) {
  const { stdout } = spawnSync("apt-get", ["indextargets", "--format", "$(REPO_URI) $(RELEASE)"], { encoding: "utf8" });
  const known = new Set((stdout ?? "").split("\n").filter((line) => / bookworm(-\w+)?$/.test(line)));
  const [main] = [...known].filter((line) => line.endsWith(" bookworm"));
  if (main === undefined) throw new Error("the machine's apt knows no archive of Debian 12");
  const sources = suffix === "" ? [...known] : [`${main}${suffix}`];
  return { sources, keyring: "/usr/share/keyrings/debian-archive-keyring.gpg" };
}

function command(name, words) {
  const { status, stderr, error } = spawnSync(name, words, { encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${name} ${words.at(-2)} ${words.at(-1)}: ${stderr.trim().split("\n").at(-1)}`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const found = softwareVulkan((line) => console.error(line));
  for (const line of found.missing) console.error(`not there: ${line}`);
  for (const [name, value] of Object.entries(vulkanEnvironment(found))) console.log(`export ${name}=${value}`);
}
