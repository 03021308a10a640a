#!/bin/sh
# waxseal with the Node of its package. Options of Node from the environment could open a debugger; USR1 opens one unless the option says otherwise.
if [ -z "${WAXSEAL_CONFIG+set}" ] && [ -r /etc/waxseal/waxseal.toml ]; then
  WAXSEAL_CONFIG=/etc/waxseal/waxseal.toml
  export WAXSEAL_CONFIG
fi
unset NODE_OPTIONS
exec /usr/lib/waxseal/bin/node --disable-sigusr1 /usr/lib/waxseal/dist/main.js "$@"
