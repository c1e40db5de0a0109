#!/usr/bin/env bash
# Runs the commands of a page word for word:
#
#   tests/scripts/tutorial.sh AMANAT PAGE [BEGIN END]
#
# Every block fenced as `sh` between the lines BEGIN and END (the whole page without them) is executed, in order, in one shell, in a
# scratch folder, with AMANAT on the path as `amanat`. Each line of a `text` block must be in the output of the `sh` block before it:
# `..` in it is anything, runs of spaces are one. A command that fails ends the script, as does an output that lacks a line. A command
# behind `!` must fail; it is the last of its block, for `set -e` does not see it elsewhere.
set -euo pipefail

amanat=$(realpath "$1") page=$(realpath "$2") begin=${3:-} end=${4:-}
scratch=$(mktemp -d)
block=
leave() { # with the exit status
  if (($1 != 0)) && [[ -n $block ]]; then
    printf '%s: line %s: %s\n' "$page" "$(<"${block%.*}.line")" "${why:-a command of this block did not end as the page says}" >&2
    cat "$scratch/out" >&2
  fi
  rm -rf "$scratch"
}
trap 'leave $?' EXIT
mkdir "$scratch/bin" "$scratch/work" "$scratch/blocks"
ln -s "$amanat" "$scratch/bin/amanat"
export PATH=$scratch/bin:$PATH
unset AMANAT_HOME
export HOME=$scratch/work

# One file a block: NUMBER.KIND, and NUMBER.line with its place on the page.
awk -v begin="$begin" -v end="$end" -v to="$scratch/blocks" '
  BEGIN { inside = begin == "" }
  begin != "" && $0 == begin { inside = 1; next }
  end != "" && $0 == end { inside = 0 }
  !inside { next }
  /^```/ && fenced { fenced = 0; close(file); next }
  /^```/ {
    fenced = 1; kind = substr($0, 4); n += 1
    file = sprintf("%s/%03d.%s", to, n, kind == "sh" || kind == "text" ? kind : "other")
    printf "" > file
    print NR > sprintf("%s/%03d.line", to, n)
    next
  }
  fenced { print > file }
' "$page"

ran=0
cd "$scratch/work"
: >"$scratch/out"
find "$scratch/blocks" -name '*.sh' -o -name '*.text' | sort >"$scratch/order"
while IFS= read -r -u 3 block; do
  case $block in
  *.sh)
    echo "--- line $(<"${block%.*}.line")"
    cat "$block"
    if sed '$d' "$block" | grep -q '^!'; then
      why='a command behind `!` must be the last of its block'
      exit 1
    fi
    # In this shell, so that the next block has what this one exports.
    source "$block" >"$scratch/out" 2>&1 </dev/null
    ran=$((ran + 1))
    ;;
  *.text)
    while IFS= read -r line; do
      [[ -z $line || $line == .. ]] && continue
      pattern=$(sed -e 's/[][\\.*^$]/\\&/g' -e 's/\\\.\\\./.*/g' -e 's/  */ */g' <<<"$line")
      tr -s ' ' <"$scratch/out" | grep -q -- "$pattern" && continue
      why="the output lacks: $line"
      exit 1
    done <"$block"
    ;;
  esac
done 3<"$scratch/order"
block=
((ran > 0)) || { echo "$page has no block of commands there" >&2; exit 1; }
echo "--- $ran blocks ran as written"
