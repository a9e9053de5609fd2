# bash completion for ferry(1)
_ferry_streams() {
  ferry list 2>/dev/null | awk '{print $1}'
}

_ferry() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "status list source snapshot view doctor service --help --version" -- "$word")
    return
  fi
  case $previous in
    --socket) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    --format) mapfile -t COMPREPLY < <(compgen -W "rgba8 rgba8_srgb bgra8 bgra8_srgb rgb10a2 rgba16f" -- "$word"); return ;;
    --sync) mapfile -t COMPREPLY < <(compgen -W "auto timeline sync-fd host" -- "$word"); return ;;
    --transport) mapfile -t COMPREPLY < <(compgen -W "auto opaque-fd dma-buf host-memory" -- "$word"); return ;;
    --policy) mapfile -t COMPREPLY < <(compgen -W "drop block" -- "$word"); return ;;
    --size|--rate|--frames|--device|--timeout) return ;;
  esac
  local options
  case $command in
    status) options="--json --watch --socket --help" ;;
    list) options="--socket --help" ;;
    source) options="--size --format --rate --frames --sync --transport --policy --device --socket --help" ;;
    snapshot) options="--timeout --wait --raw --device --socket --help" ;;
    view) options="--socket --help" ;;
    doctor) options="--json --size --help" ;;
    service) options="install status logs --help" ;;
  esac
  if { [ "$command" = snapshot ] || [ "$command" = view ]; } && [ "$COMP_CWORD" -eq 2 ] && [[ $word != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_ferry_streams)" -- "$word")
  elif [ "$command" = snapshot ] && [ "$COMP_CWORD" -eq 3 ] && [[ $word != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  fi
}
complete -F _ferry ferry
