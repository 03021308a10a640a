/**
 * Environment variables of the children. The answer process gets the few that it needs, by name: secrets often stand in the
 * environment, and so does the path of the key-encryption key.
 */
type Environment = Readonly<Record<string, string | undefined>>;

/** Locale, allocator, libraries and the runtime's caches. */
const ANSWER_VARIABLES = [
  'LANG',
  'LC_ALL',
  'LD_LIBRARY_PATH',
  'LD_PRELOAD',
  'MALLOC_ARENA_MAX',
  'NODE_COMPILE_CACHE',
  'NODE_ENV',
  'NODE_V8_COVERAGE',
  'TZ',
] as const;

/**
 * The C library's allocator makes an arena for each of the dozen threads that a process of Node has, and keeps in
 * each what was used there once: a tenth of the memory of a process at rest. Few of the threads allocate at once.
 */
const ALLOCATOR = { MALLOC_ARENA_MAX: '2' } as const;

/** All but the options of Node: they could open a debugger in the process that holds the keys. */
export function controlEnvironment({ NODE_OPTIONS: _options, ...rest }: Environment): Environment {
  return { ...ALLOCATOR, ...rest };
}

export function answerEnvironment(own: Environment): Environment {
  const given = ANSWER_VARIABLES.filter((name) => own[name] !== undefined);
  const passed = Object.fromEntries(given.map((name) => [name, own[name]]));
  return { ...ALLOCATOR, ...passed };
}
