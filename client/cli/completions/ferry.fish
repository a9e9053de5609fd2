# fish completion for ferry(1)
function __ferry_streams
    ferry list 2>/dev/null | awk '{print $1}'
end

complete -c ferry -f
complete -c ferry -n __fish_use_subcommand -a status -d 'Show the broker, its streams, and who takes part'
complete -c ferry -n __fish_use_subcommand -a list -d 'One line a stream'
complete -c ferry -n __fish_use_subcommand -a source -d 'Publish a test picture as a stream'
complete -c ferry -n __fish_use_subcommand -a doctor -d 'Try every way between all GPUs of this machine'
complete -c ferry -n '__fish_seen_subcommand_from doctor' -l json -d 'As JSON'
complete -c ferry -n '__fish_seen_subcommand_from doctor' -l size -x -d 'Size of the frames, WxH'
complete -c ferry -n '__fish_seen_subcommand_from source' -l transport -x -a 'auto opaque-fd dma-buf host-memory' -d 'How memory crosses'
complete -c ferry -n __fish_use_subcommand -a snapshot -d 'Write one frame of a stream as a PNG file'
complete -c ferry -n __fish_use_subcommand -a view -d 'Show a stream in a window'
complete -c ferry -n __fish_use_subcommand -a service -d 'Run the broker as a service of yours'
complete -c ferry -n __fish_use_subcommand -l version -d 'Versions of command and library'

complete -c ferry -n '__fish_seen_subcommand_from status list source snapshot view' -l socket -r -F -d 'Socket of the broker'
complete -c ferry -n '__fish_seen_subcommand_from status' -l json -d 'As JSON'
complete -c ferry -n '__fish_seen_subcommand_from status' -l watch -d 'Again every so many seconds'
complete -c ferry -n '__fish_seen_subcommand_from source' -l size -x -d 'WIDTHxHEIGHT'
complete -c ferry -n '__fish_seen_subcommand_from source' -l format -x -a 'rgba8 rgba8_srgb bgra8 bgra8_srgb rgb10a2 rgba16f'
complete -c ferry -n '__fish_seen_subcommand_from source' -l rate -x -d 'Frames a second, or max'
complete -c ferry -n '__fish_seen_subcommand_from source' -l frames -x -d 'Stop after so many'
complete -c ferry -n '__fish_seen_subcommand_from source' -l sync -x -a 'auto timeline sync-fd host'
complete -c ferry -n '__fish_seen_subcommand_from source' -l policy -x -a 'drop block'
complete -c ferry -n '__fish_seen_subcommand_from source snapshot' -l device -x -d 'GPU: UUID, index or part of the name'
complete -c ferry -n '__fish_seen_subcommand_from snapshot view' -a '(__ferry_streams)'
complete -c ferry -n '__fish_seen_subcommand_from snapshot' -l timeout -x -d 'How long to wait, in seconds'
complete -c ferry -n '__fish_seen_subcommand_from snapshot' -l wait -d 'For the stream to appear'
complete -c ferry -n '__fish_seen_subcommand_from snapshot' -l raw -d 'Stored numbers as they are'
complete -c ferry -n '__fish_seen_subcommand_from service' -a 'install status logs'
complete -c ferry -n '__fish_seen_subcommand_from service' -s f -l follow -d 'With logs: go on'
