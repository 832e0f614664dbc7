# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_gbak_global_optspecs
    string join \n json q/quiet v/verbose no-progress p/passphrase-file= passphrase-command= retry-lock= limit-upload= limit-download= yes log-level= h/help V/version
end

function __fish_gbak_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_gbak_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_gbak_using_subcommand
    set -l cmd (__fish_gbak_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c gbak -n "__fish_gbak_needs_command" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_needs_command" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_needs_command" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_needs_command" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_needs_command" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_needs_command" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_needs_command" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_needs_command" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_needs_command" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_needs_command" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_needs_command" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_needs_command" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_needs_command" -s V -l version -d 'Print version'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "init" -d 'Set this machine up: keys, donation, grid'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "join" -d 'Enter a grid with an invitation'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "invite" -d 'Invite another machine or member'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "recover" -d 'Get everything back with the 24 words'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "backup" -d 'Back paths up, or the sets of the settings'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "schedule" -d 'Show or change when the sets of the settings are backed up'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "restore" -d 'Restore a snapshot or a part of it'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "snapshots" -d 'List the snapshots'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "forget" -d 'Forget snapshots, by name or by rules'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "tag" -d 'Change the tags of snapshots'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "pin" -d 'Keep snapshots whatever the rules of forget say'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "unpin" -d 'Leave snapshots to the rules of forget again'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "prune" -d 'Give up what no snapshot needs, so that holders can free it'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "ls" -d 'List the files of a snapshot'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "drive" -d 'Work on the grid\'s disk as on one of your own'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "mount" -d 'Mount snapshots read-only'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "unmount" -d 'Unmount what gbak has mounted'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "webdav" -d 'Serve snapshots over WebDAV, read-only, to programs of this computer'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "placement" -d 'Show who holds the shards of a snapshot, path or pack'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "peers" -d 'Show the machines of the grid, or move your data away from one'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "donate" -d 'Show or change how this machine\'s disk is split'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "leave" -d 'Give back what is here of others, and lend nothing any more'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "limits" -d 'Show or change how fast this machine sends and receives'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "pause" -d 'Let backups, or serving other machines, wait for a while'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "resume" -d 'End what was paused'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "away" -d 'Tell the others that this machine will not be here for a while'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "status" -d 'Show whether everything is backed up'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "check" -d 'Check that everything is still where it should be'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "audit" -d 'Make holders prove that they have what they took'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "repair" -d 'Make again the shards that are missing'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "drill" -d 'Rehearse a restore with what other machines hold'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "guardians" -d 'Appoint machines that look after your backup while you are away'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "risk" -d 'Show how likely your data is lost or out of reach, and what if somebody were gone'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "simulate" -d 'Live years of a grid through in virtual time'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "bench" -d 'Measure what this machine can do, and what would limit a backup'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "daemon" -d 'Run the agent in the foreground'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "service" -d 'Run the agent as a service of your login'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "demo" -d 'Show the main job on a small grid of this machine\'s own'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "explain" -d 'Explain an error code'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "completions" -d 'Print a shell completion script'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "version" -d 'Print the version'
complete -c gbak -n "__fish_gbak_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand init" -l name -d 'Name of this machine; the host name when absent' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -l donate -d 'Disk to lend: a size, a percentage of what is free, or none' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -l min-free -d 'Free space of the disk below which nothing more is taken in' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -l safe-area -d 'Part of the donation that always stays empty' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -l listen -d 'Listen on this multiaddress (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -l bootstrap -d 'Address of a member to begin with (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -l site -d 'Name of the place this machine stands at, shown to the other members' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -l phrase-file -d 'File with the 24 words; written (0600) when absent, read when present' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand init" -l kit -d 'Write the recovery kit to FILE (0600)' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand init" -l join -d 'Join the grid of this invitation' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -l grid -d 'Name of the grid to found' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand init" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand init" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand init" -l no-mdns -d 'Do not look for members on the local network'
complete -c gbak -n "__fish_gbak_using_subcommand init" -l skip-phrase-check -d 'Do not ask to type three of the words again'
complete -c gbak -n "__fish_gbak_using_subcommand init" -l service -d 'Then run the agent as a service of your login'
complete -c gbak -n "__fish_gbak_using_subcommand init" -l non-interactive -d 'Ask nothing'
complete -c gbak -n "__fish_gbak_using_subcommand init" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand init" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand init" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand init" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand init" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand init" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand join" -l name -d 'Name of this machine; the host name when absent' -r
complete -c gbak -n "__fish_gbak_using_subcommand join" -l donate -d 'Disk to lend: a size, a percentage of what is free, or none' -r
complete -c gbak -n "__fish_gbak_using_subcommand join" -l min-free -d 'Free space of the disk below which nothing more is taken in' -r
complete -c gbak -n "__fish_gbak_using_subcommand join" -l safe-area -d 'Part of the donation that always stays empty' -r
complete -c gbak -n "__fish_gbak_using_subcommand join" -l listen -d 'Listen on this multiaddress (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand join" -l bootstrap -d 'Address of a member to begin with (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand join" -l site -d 'Name of the place this machine stands at, shown to the other members' -r
complete -c gbak -n "__fish_gbak_using_subcommand join" -l phrase-file -d 'File with the 24 words; written (0600) when absent, read when present' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand join" -l kit -d 'Write the recovery kit to FILE (0600)' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand join" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand join" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand join" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand join" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand join" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand join" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand join" -l no-mdns -d 'Do not look for members on the local network'
complete -c gbak -n "__fish_gbak_using_subcommand join" -l skip-phrase-check -d 'Do not ask to type three of the words again'
complete -c gbak -n "__fish_gbak_using_subcommand join" -l service -d 'Then run the agent as a service of your login'
complete -c gbak -n "__fish_gbak_using_subcommand join" -l non-interactive -d 'Ask nothing'
complete -c gbak -n "__fish_gbak_using_subcommand join" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand join" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand join" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand join" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand join" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand join" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand invite" -l expires -d 'How long it is valid' -r
complete -c gbak -n "__fish_gbak_using_subcommand invite" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand invite" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand invite" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand invite" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand invite" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand invite" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand invite" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand invite" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand invite" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand invite" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand invite" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand invite" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l as-of -d 'Bring back what was there at this time, though it was deleted since: 2026-11-24, "2026-11-24 18:00" or 2d (ago). Holders keep what is deleted for a week' -r
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l phrase-file -d 'File with the 24 words; - reads stdin' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l kit -d 'Recovery kit: the words and addresses are taken from it' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l name -d 'Name of this machine; the host name when absent' -r
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l donate -d 'Disk to lend: a size, a percentage of what is free, or none' -r
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l min-free -d 'Free space of the disk below which nothing more is taken in' -r
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l safe-area -d 'Part of the donation that always stays empty' -r
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l listen -d 'Listen on this multiaddress (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l bootstrap -d 'Address of a member to begin with (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l site -d 'Name of the place this machine stands at, shown to the other members' -r
complete -c gbak -n "__fish_gbak_using_subcommand recover" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l rebuild -d 'Rebuild the index of the home that is here from the grid'
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l no-mdns -d 'Do not look for members on the local network'
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l non-interactive -d 'Ask nothing'
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand recover" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand recover" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand recover" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand recover" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l set -d 'Back up this set of the settings (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -s e -l exclude -d 'Leave out what matches PATTERN (gitignore syntax, repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l exclude-file -d 'Read patterns from FILE, one a line (repeatable)' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l exclude-if-present -d 'Leave out directories that hold NAME (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l exclude-larger-than -d 'Leave out files larger than SIZE' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l tag -d 'Tags of the snapshot, comma-separated (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -s H -l host -d 'Host name to record' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l redundancy -d 'Needed and spare shards, like 8+4; solved from the grid when absent' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l compression -d 'auto, off, fastest, better, max, or a zstd level' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l latency -d 'Round trip to each holder, like 2ms..150ms' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l spread -d 'Round trip between any two holders of a pack, like 5ms..300ms' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l max-shards-per-peer -d 'Most shards of a pack with one machine' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l max-shards-per-site -d 'Most shards of a pack at one site' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l max-shards-per-owner -d 'Most shards of a pack with one member' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l domains -d 'With fewer failure domains than shards: spread them, or refuse (strict)' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l unmet -d 'When limits cannot be met: fail, or relax them one by one' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l exclude-caches -d 'Leave out directories marked with CACHEDIR.TAG'
complete -c gbak -n "__fish_gbak_using_subcommand backup" -s x -l one-file-system -d 'Stay on the file systems of the paths given'
complete -c gbak -n "__fish_gbak_using_subcommand backup" -s f -l force -d 'Read every file again, changed or not'
complete -c gbak -n "__fish_gbak_using_subcommand backup" -s n -l dry-run -d 'Only say what would be done'
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l skip-if-unchanged -d 'Make no snapshot when nothing changed'
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l spool -d 'When peers are missing, keep packs here and let the agent place them later'
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand backup" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand backup" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand backup" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand backup" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -f -a "show" -d 'Show the backup sets, when they ran and when they are due'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -f -a "run" -d 'Back a set up now'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -f -a "skip" -d 'Leave the next run of a set out'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -f -a "print" -d 'Print the schedule for another program, where no agent runs'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and not __fish_seen_subcommand_from show run skip print help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from show" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from show" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from show" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from show" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from show" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from show" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from show" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from show" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from run" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from run" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from run" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from run" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from run" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from run" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from run" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from run" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from run" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from skip" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from skip" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from skip" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from skip" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from skip" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from skip" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from skip" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from skip" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from skip" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from skip" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from skip" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from skip" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -l format -d 'For whom' -r -f -a "cron\t'Lines of a crontab'
systemd\t'systemd user units'"
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from print" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the backup sets, when they ran and when they are due'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "run" -d 'Back a set up now'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "skip" -d 'Leave the next run of a set out'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "print" -d 'Print the schedule for another program, where no agent runs'
complete -c gbak -n "__fish_gbak_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand restore" -s t -l target -d 'Directory to restore under; made when absent' -r -f -a "(__fish_complete_directories)"
complete -c gbak -n "__fish_gbak_using_subcommand restore" -s i -l include -d 'Restore only what matches PATTERN (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand restore" -s e -l exclude -d 'Leave out what matches PATTERN (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand restore" -l overwrite -d 'What to do with files that exist; without it the directory must be empty' -r -f -a "if-changed\t'Size or modification time differs'
always\t'Always'
if-newer\t'It is older than the snapshot\'s'
never\t'Never'"
complete -c gbak -n "__fish_gbak_using_subcommand restore" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand restore" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand restore" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand restore" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand restore" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand restore" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand restore" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand restore" -l verify -d 'Read every restored file back and compare'
complete -c gbak -n "__fish_gbak_using_subcommand restore" -s n -l dry-run -d 'Only say what would be done'
complete -c gbak -n "__fish_gbak_using_subcommand restore" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand restore" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand restore" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand restore" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand restore" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gbak -n "__fish_gbak_using_subcommand snapshots" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand snapshots" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand snapshots" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand snapshots" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand snapshots" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand snapshots" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand snapshots" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand snapshots" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand snapshots" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand snapshots" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand snapshots" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand snapshots" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand forget" -s l -l keep-last -d 'Keep the newest N snapshots, or unlimited' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -s H -l keep-hourly -d 'Keep the newest of each of N hours' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -s d -l keep-daily -d 'Keep the newest of each of N days' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -s w -l keep-weekly -d 'Keep the newest of each of N weeks' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -s m -l keep-monthly -d 'Keep the newest of each of N months' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -s y -l keep-yearly -d 'Keep the newest of each of N years' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -l keep-within -d 'Keep what is not older than this before the newest, like 1y6m14d12h' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -l keep-tag -d 'Keep what has all of these tags, comma-separated (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -s g -l group-by -d 'Judge together what has these in common: host, paths, tags, or nothing' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand forget" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand forget" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand forget" -l prune -d 'Prune afterwards'
complete -c gbak -n "__fish_gbak_using_subcommand forget" -s n -l dry-run -d 'Only say what would be forgotten, and why the rest is kept'
complete -c gbak -n "__fish_gbak_using_subcommand forget" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand forget" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand forget" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand forget" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand forget" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand forget" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand tag" -l set -d 'These tags and no others (repeatable, or with commas); none when empty' -r
complete -c gbak -n "__fish_gbak_using_subcommand tag" -l add -d 'These tags besides (repeatable, or with commas)' -r
complete -c gbak -n "__fish_gbak_using_subcommand tag" -l remove -d 'These tags no longer (repeatable, or with commas)' -r
complete -c gbak -n "__fish_gbak_using_subcommand tag" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand tag" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand tag" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand tag" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand tag" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand tag" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand tag" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand tag" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand tag" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand tag" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand tag" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand tag" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand pin" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand pin" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand pin" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand pin" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand pin" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand pin" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand pin" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand pin" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand pin" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand pin" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand pin" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand pin" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand unpin" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand unpin" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand unpin" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand unpin" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand unpin" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand unpin" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand unpin" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand unpin" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand unpin" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand unpin" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand unpin" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand unpin" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand prune" -l max-unused -d 'How much of what is kept may be unneeded: less means more copying' -r
complete -c gbak -n "__fish_gbak_using_subcommand prune" -l keep-delete -d 'How long holders are left with what was given up before they are told' -r
complete -c gbak -n "__fish_gbak_using_subcommand prune" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand prune" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand prune" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand prune" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand prune" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand prune" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand prune" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand prune" -s n -l dry-run -d 'Only say what would be done'
complete -c gbak -n "__fish_gbak_using_subcommand prune" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand prune" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand prune" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand prune" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand prune" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand prune" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand ls" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand ls" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand ls" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand ls" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand ls" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand ls" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand ls" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand ls" -s l -l long -d 'Show mode, owner, size and time'
complete -c gbak -n "__fish_gbak_using_subcommand ls" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand ls" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand ls" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand ls" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand ls" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand ls" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -f -a "create" -d 'Make a new, empty drive'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -f -a "mount" -d 'Mount a drive; one that is only on the grid is brought here'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -f -a "serve" -d 'Serve a drive over WebDAV to programs of this computer, without FUSE'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -f -a "unmount" -d 'Unmount a drive, after a last commit'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -f -a "status" -d 'Show how a drive stands'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -f -a "sync" -d 'Make a commit now'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -f -a "table" -d 'Show which computers contribute, and how much fits'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -f -a "resize" -d 'Change a drive\'s limits'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -f -a "snapshots" -d 'List a drive\'s commits'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -f -a "rollback" -d 'Make a drive what it was at a commit'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -f -a "delete" -d 'Take a drive from this machine; its commits stay'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and not __fish_seen_subcommand_from create mount serve unmount status sync table resize snapshots rollback delete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -l size -d 'All its files together' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -l cache -d 'Its data on this disk; 4 GiB when absent' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l allow-other -d 'Let other users of this computer in'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l take-over -d 'Take it from a machine that has not been heard of for the length of its lease'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l without-majority -d 'Where most of the machines that decide are gone for good: a writer that still reaches them will find what it wrote since beside the drive'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l read-only -d 'Follow what another machine writes: always its last commit, and nothing can be changed'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from mount" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -l listen -d 'Address of this computer\'s own to listen on; port 0 takes a free one' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -l token-file -d 'Keep the password in FILE, made when it is not there; a new one each time when absent' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -l read-only -d 'Let nobody change anything'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from serve" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from unmount" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from unmount" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from unmount" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from unmount" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from unmount" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from unmount" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from unmount" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from unmount" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from unmount" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from unmount" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from unmount" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from unmount" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from status" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from status" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from status" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from status" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from status" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from status" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from status" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from status" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from status" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -l wait -d 'Wait for this as well' -r -f -a "grid\t'Until everything is on the grid'"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from sync" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from table" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from table" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from table" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from table" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from table" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from table" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from table" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from table" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from table" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from table" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from table" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from table" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -l size -d 'All its files together' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -l cache -d 'Its data on this disk' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from resize" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from snapshots" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from snapshots" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from snapshots" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from snapshots" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from snapshots" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from snapshots" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from snapshots" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from snapshots" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from snapshots" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from snapshots" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from snapshots" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from snapshots" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from rollback" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from rollback" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from rollback" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from rollback" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from rollback" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from rollback" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from rollback" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from rollback" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from rollback" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from rollback" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from rollback" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from rollback" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -l force -d 'Also when it has data that is in no commit on the grid'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a new, empty drive'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from help" -f -a "mount" -d 'Mount a drive; one that is only on the grid is brought here'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from help" -f -a "serve" -d 'Serve a drive over WebDAV to programs of this computer, without FUSE'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from help" -f -a "unmount" -d 'Unmount a drive, after a last commit'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show how a drive stands'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from help" -f -a "sync" -d 'Make a commit now'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from help" -f -a "table" -d 'Show which computers contribute, and how much fits'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from help" -f -a "resize" -d 'Change a drive\'s limits'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from help" -f -a "snapshots" -d 'List a drive\'s commits'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from help" -f -a "rollback" -d 'Make a drive what it was at a commit'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Take a drive from this machine; its commits stay'
complete -c gbak -n "__fish_gbak_using_subcommand drive; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand mount" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand mount" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand mount" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand mount" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand mount" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand mount" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand mount" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand mount" -l allow-other -d 'Let other users of this computer in'
complete -c gbak -n "__fish_gbak_using_subcommand mount" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand mount" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand mount" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand mount" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand mount" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand mount" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand unmount" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand unmount" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand unmount" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand unmount" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand unmount" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand unmount" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand unmount" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand unmount" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand unmount" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand unmount" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand unmount" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand unmount" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -l listen -d 'Address of this computer\'s own to listen on; port 0 takes a free one' -r
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -l token-file -d 'Keep the password in FILE, made when it is not there; a new one each time when absent' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand webdav" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand placement" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand placement" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand placement" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand placement" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand placement" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand placement" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand placement" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand placement" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand placement" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand placement" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand placement" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand placement" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -l wide -d 'Show every amount: disk, reserved, used, and what share of it is mine'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -f -a "ls" -d 'List them'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -f -a "show" -d 'Show all that is known of one'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -f -a "ping" -d 'Ask one whether it answers, and how fast: exit 21 when it does not'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -f -a "lost" -d 'Give one up for good, and make again elsewhere what it had'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -f -a "evacuate" -d 'Move your data away from one: exit 4 when some has nowhere to go'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and not __fish_seen_subcommand_from ls show ping lost evacuate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ls" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ls" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ls" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ls" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ls" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ls" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ls" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ls" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from show" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from show" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from show" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from show" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from show" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from show" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from show" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from show" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -s c -l count -d 'How often' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from ping" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from lost" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from lost" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from lost" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from lost" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from lost" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from lost" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from lost" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from lost" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from lost" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from lost" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from lost" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from lost" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from evacuate" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from evacuate" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from evacuate" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from evacuate" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from evacuate" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from evacuate" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from evacuate" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from evacuate" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from evacuate" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from evacuate" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from evacuate" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from evacuate" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show all that is known of one'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "ping" -d 'Ask one whether it answers, and how fast: exit 21 when it does not'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "lost" -d 'Give one up for good, and make again elsewhere what it had'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "evacuate" -d 'Move your data away from one: exit 4 when some has nowhere to go'
complete -c gbak -n "__fish_gbak_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -f -a "show" -d 'Show how the disk is split'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -f -a "set" -d 'Lend more or less of a disk, from now on'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -f -a "add" -d 'Lend from one disk more'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -f -a "shrink" -d 'Lend less of a disk than now'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -f -a "stop" -d 'Lend nothing any more; an added disk that is empty is forgotten'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and not __fish_seen_subcommand_from show set add shrink stop help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from show" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from show" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from show" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from show" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from show" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from show" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from show" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from show" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -l min-free -d 'Free space of the disk below which nothing more is taken in' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -l safe-area -d 'Kept empty above that' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -l disk -d 'A disk that was added, instead of the home\'s own; may be given again' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -l size -d 'Disk to lend: a size, or a percentage of what is free' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -l min-free -d 'Free space of the disk below which nothing more is taken in; as at home when absent' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -l safe-area -d 'Kept empty above that; as at home when absent' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -l disk -d 'A disk that was added, instead of the home\'s own; may be given again' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from shrink" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -l disk -d 'Only of this disk; may be given again' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show how the disk is split'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from help" -f -a "set" -d 'Lend more or less of a disk, from now on'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from help" -f -a "add" -d 'Lend from one disk more'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from help" -f -a "shrink" -d 'Lend less of a disk than now'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from help" -f -a "stop" -d 'Lend nothing any more; an added disk that is empty is forgotten'
complete -c gbak -n "__fish_gbak_using_subcommand donate; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand leave" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand leave" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand leave" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand leave" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand leave" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand leave" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand leave" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand leave" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand leave" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand leave" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand leave" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand leave" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -f -a "show" -d 'Show the limits in force'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -f -a "set" -d 'Be slower or faster, from now on; what is not said stays'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and not __fish_seen_subcommand_from show set help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from show" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from show" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from show" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from show" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from show" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from show" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from show" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from show" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l up -d 'To all other machines together: like 4MiB/s, restic\'s KiB/s, or unlimited' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l down -d 'From all other machines together' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l per-peer-up -d 'To each machine' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l per-peer-down -d 'From each machine' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l limit-lan -d 'Whether machines on the local network are limited as well' -r -f -a "true\t''
false\t''"
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the limits in force'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from help" -f -a "set" -d 'Be slower or faster, from now on; what is not said stays'
complete -c gbak -n "__fish_gbak_using_subcommand limits; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand pause" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand pause" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand pause" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand pause" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand pause" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand pause" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand pause" -l serving -d 'Stop serving other machines instead: they can neither store here nor fetch what is theirs'
complete -c gbak -n "__fish_gbak_using_subcommand pause" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand pause" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand pause" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand pause" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand pause" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand pause" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand resume" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand resume" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand resume" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand resume" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand resume" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand resume" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand resume" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand resume" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand resume" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand resume" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand resume" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand resume" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand away" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand away" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand away" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand away" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand away" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand away" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand away" -l back -d 'Take an announcement back'
complete -c gbak -n "__fish_gbak_using_subcommand away" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand away" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand away" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand away" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand away" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand away" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand status" -l max-age -d 'Critical when the last backup is older, like 2d' -r
complete -c gbak -n "__fish_gbak_using_subcommand status" -l wait-ready -d 'Wait until the agent answers; then exit 0 whatever the state' -r
complete -c gbak -n "__fish_gbak_using_subcommand status" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand status" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand status" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand status" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand status" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand status" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand status" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand status" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand status" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand status" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand status" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand status" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand check" -l read-data-subset -d 'The same for some packs: 2/5 is the second of five parts, 10% a random tenth' -r
complete -c gbak -n "__fish_gbak_using_subcommand check" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand check" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand check" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand check" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand check" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand check" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand check" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand check" -l read-data -d 'Fetch every pack from its holders, verify and open it'
complete -c gbak -n "__fish_gbak_using_subcommand check" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand check" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand check" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand check" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand check" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand check" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand audit" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand audit" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand audit" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand audit" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand audit" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand audit" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand audit" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand audit" -l history -d 'Ask nobody: show what audits found in the last 30 days (--json has all of it)'
complete -c gbak -n "__fish_gbak_using_subcommand audit" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand audit" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand audit" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand audit" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand audit" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand audit" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -f -a "index" -d 'Read again from the grid what this home knows of it'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -f -a "snapshots" -d 'Make snapshots again without what is lost: exit 6 when some of it could not be'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and not __fish_seen_subcommand_from index snapshots help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from index" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from index" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from index" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from index" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from index" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from index" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from index" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from index" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from index" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from index" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from index" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from index" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -l forget -d 'Forget the originals afterwards'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -s n -l dry-run -d 'Only tell what is lost'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from snapshots" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from help" -f -a "index" -d 'Read again from the grid what this home knows of it'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from help" -f -a "snapshots" -d 'Make snapshots again without what is lost: exit 6 when some of it could not be'
complete -c gbak -n "__fish_gbak_using_subcommand repair; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand drill" -l files -d 'Restore so many files, drawn at random' -r
complete -c gbak -n "__fish_gbak_using_subcommand drill" -l max-bytes -d 'Restore at most this much' -r
complete -c gbak -n "__fish_gbak_using_subcommand drill" -l without-peers -d 'Set so many machines aside, drawn at random, as if they were gone' -r
complete -c gbak -n "__fish_gbak_using_subcommand drill" -l wait-peers -d 'How long to wait for peers to connect' -r
complete -c gbak -n "__fish_gbak_using_subcommand drill" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand drill" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand drill" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand drill" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand drill" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand drill" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand drill" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand drill" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand drill" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand drill" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand drill" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand drill" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -f -a "ls" -d 'List them, and those who are looked after here'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -f -a "add" -d 'Make a machine of another member one'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -f -a "remove" -d 'End a machine\'s mandate'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and not __fish_seen_subcommand_from ls add remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from ls" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from ls" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from ls" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from ls" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from ls" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from ls" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from ls" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from ls" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from add" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from add" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from add" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from add" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from add" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from add" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from add" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from add" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from add" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from remove" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from remove" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from remove" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from remove" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from remove" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from remove" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from remove" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from remove" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them, and those who are looked after here'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from help" -f -a "add" -d 'Make a machine of another member one'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from help" -f -a "remove" -d 'End a machine\'s mandate'
complete -c gbak -n "__fish_gbak_using_subcommand guardians; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand risk" -l without -d 'What if this machine or member were gone: a name, or the beginning of an id (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand risk" -l without-site -d 'What if everything at this site were gone (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand risk" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand risk" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand risk" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand risk" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand risk" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand risk" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand risk" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand risk" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand risk" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand risk" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand risk" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand risk" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l peers -d 'Peers besides the source' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l years -d 'For how many years' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l departures -d 'Share of peers that leave for good within a year' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l availability -d 'Share of time a peer answers' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l absence -d 'How long an absence lasts on average' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l seed -d 'What all chance follows from; printed, and another one each time when absent' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l data -d 'What the source backs up' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l redundancy -d 'Needed and spare shards, like 8+4; solved from the other values when absent' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l latency -d 'Round trips from source to holders, like 2ms..150ms' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l spread -d 'Round trips between holders of a pack, like 5ms..300ms' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l sites -d 'Households the peers stand in; one for each when absent' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l site-losses -d 'Whole sites lost for good within a year' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l outage -d 'Half-way through, peers cannot be reached for so long' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l outage-share -d 'The share of peers an outage reaches' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l fill -d 'How full the peers are with others\' data' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l svg -d 'Draw the run to FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l source-gone -d 'The source is gone from the first day on: others mend, from k shards of each pack'
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand simulate" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l dir -d 'Try the disk below DIR' -r -f -a "(__fish_complete_directories)"
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l source -d 'Read files at PATH, past the cache' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l size -d 'How much to work on; of a source sixteen times as much is read' -r
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l redundancy -d 'Needed and spare shards, like 8+4' -r
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l link -d 'How fast your connection sends, like 5MiB; what is measured or the limit when absent' -r
complete -c gbak -n "__fish_gbak_using_subcommand bench" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand bench" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand bench" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand bench" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand bench" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -l listen -d 'Listen on this multiaddress instead of the configured ones (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -l bootstrap -d 'Address of a member to try besides the known ones (repeatable)' -r
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -l no-mdns -d 'Do not look for members on the local network'
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand daemon" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -f -a "install" -d 'Write a systemd user unit for the agent of this home, and start it now and at login'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -f -a "uninstall" -d 'Stop the service and remove its unit'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -f -a "start" -d 'Start it'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -f -a "stop" -d 'Stop it'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -f -a "status" -d 'Show whether it runs'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -f -a "logs" -d 'Show what it logged'
complete -c gbak -n "__fish_gbak_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop status logs help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -l dir -d 'Write the unit there and start nothing; where systemd looks for it when absent' -r -f -a "(__fish_complete_directories)"
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -l print -d 'Only print the unit'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -l dir -d 'Where the unit is; where systemd looks for it when absent' -r -f -a "(__fish_complete_directories)"
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from uninstall" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from start" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from start" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from start" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from start" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from start" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from start" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from start" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from start" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from start" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from start" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from start" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from stop" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from stop" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from stop" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from stop" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from stop" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from stop" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from stop" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from stop" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from stop" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from stop" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from stop" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from status" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from status" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from status" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from status" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from status" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from status" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from status" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from status" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from status" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from logs" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from logs" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from logs" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from logs" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from logs" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from logs" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from logs" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from logs" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from logs" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from logs" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from logs" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from logs" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "install" -d 'Write a systemd user unit for the agent of this home, and start it now and at login'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "uninstall" -d 'Stop the service and remove its unit'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "start" -d 'Start it'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "stop" -d 'Stop it'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show whether it runs'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "logs" -d 'Show what it logged'
complete -c gbak -n "__fish_gbak_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand demo" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand demo" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand demo" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand demo" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand demo" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand demo" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand demo" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand demo" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand demo" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand demo" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand demo" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand demo" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand explain" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand explain" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand explain" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand explain" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand explain" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand explain" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand explain" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand explain" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand explain" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand explain" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand explain" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand explain" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand completions" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand completions" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand completions" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand completions" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand completions" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand completions" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand completions" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand completions" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand completions" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand completions" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand completions" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gbak -n "__fish_gbak_using_subcommand version" -s p -l passphrase-file -d 'Read the passphrase of the key file from FILE' -r -F
complete -c gbak -n "__fish_gbak_using_subcommand version" -l passphrase-command -d 'Take the passphrase from what COMMAND prints' -r -f -a "(__fish_complete_command)"
complete -c gbak -n "__fish_gbak_using_subcommand version" -l retry-lock -d 'Wait this long for a busy home, like 5m' -r
complete -c gbak -n "__fish_gbak_using_subcommand version" -l limit-upload -d 'Send at most this fast, like 1MiB/s or restic\'s KiB/s; the agent too, while it works for us' -r
complete -c gbak -n "__fish_gbak_using_subcommand version" -l limit-download -d 'Receive at most this fast' -r
complete -c gbak -n "__fish_gbak_using_subcommand version" -l log-level -d 'Log to stderr: error, warn, info, debug, trace, or a tracing filter' -r
complete -c gbak -n "__fish_gbak_using_subcommand version" -l json -d 'Print JSON'
complete -c gbak -n "__fish_gbak_using_subcommand version" -s q -l quiet -d 'Print results and errors only'
complete -c gbak -n "__fish_gbak_using_subcommand version" -s v -l verbose -d 'Print more; repeat for debug logs'
complete -c gbak -n "__fish_gbak_using_subcommand version" -l no-progress -d 'Show no progress'
complete -c gbak -n "__fish_gbak_using_subcommand version" -l yes -d 'Take the default answer of every ordinary question'
complete -c gbak -n "__fish_gbak_using_subcommand version" -s h -l help -d 'Print help'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "init" -d 'Set this machine up: keys, donation, grid'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "join" -d 'Enter a grid with an invitation'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "invite" -d 'Invite another machine or member'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "recover" -d 'Get everything back with the 24 words'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "backup" -d 'Back paths up, or the sets of the settings'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "schedule" -d 'Show or change when the sets of the settings are backed up'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "restore" -d 'Restore a snapshot or a part of it'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "snapshots" -d 'List the snapshots'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "forget" -d 'Forget snapshots, by name or by rules'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "tag" -d 'Change the tags of snapshots'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "pin" -d 'Keep snapshots whatever the rules of forget say'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "unpin" -d 'Leave snapshots to the rules of forget again'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "prune" -d 'Give up what no snapshot needs, so that holders can free it'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "ls" -d 'List the files of a snapshot'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "drive" -d 'Work on the grid\'s disk as on one of your own'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "mount" -d 'Mount snapshots read-only'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "unmount" -d 'Unmount what gbak has mounted'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "webdav" -d 'Serve snapshots over WebDAV, read-only, to programs of this computer'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "placement" -d 'Show who holds the shards of a snapshot, path or pack'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "peers" -d 'Show the machines of the grid, or move your data away from one'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "donate" -d 'Show or change how this machine\'s disk is split'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "leave" -d 'Give back what is here of others, and lend nothing any more'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "limits" -d 'Show or change how fast this machine sends and receives'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "pause" -d 'Let backups, or serving other machines, wait for a while'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "resume" -d 'End what was paused'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "away" -d 'Tell the others that this machine will not be here for a while'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "status" -d 'Show whether everything is backed up'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "check" -d 'Check that everything is still where it should be'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "audit" -d 'Make holders prove that they have what they took'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "repair" -d 'Make again the shards that are missing'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "drill" -d 'Rehearse a restore with what other machines hold'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "guardians" -d 'Appoint machines that look after your backup while you are away'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "risk" -d 'Show how likely your data is lost or out of reach, and what if somebody were gone'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "simulate" -d 'Live years of a grid through in virtual time'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "bench" -d 'Measure what this machine can do, and what would limit a backup'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "daemon" -d 'Run the agent in the foreground'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "service" -d 'Run the agent as a service of your login'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "demo" -d 'Show the main job on a small grid of this machine\'s own'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "explain" -d 'Explain an error code'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "completions" -d 'Print a shell completion script'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "version" -d 'Print the version'
complete -c gbak -n "__fish_gbak_using_subcommand help; and not __fish_seen_subcommand_from init join invite recover backup schedule restore snapshots forget tag pin unpin prune ls drive mount unmount webdav placement peers donate leave limits pause resume away status check audit repair drill guardians risk simulate bench daemon service demo explain completions version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "show" -d 'Show the backup sets, when they ran and when they are due'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "run" -d 'Back a set up now'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "skip" -d 'Leave the next run of a set out'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "print" -d 'Print the schedule for another program, where no agent runs'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from drive" -f -a "create" -d 'Make a new, empty drive'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from drive" -f -a "mount" -d 'Mount a drive; one that is only on the grid is brought here'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from drive" -f -a "serve" -d 'Serve a drive over WebDAV to programs of this computer, without FUSE'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from drive" -f -a "unmount" -d 'Unmount a drive, after a last commit'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from drive" -f -a "status" -d 'Show how a drive stands'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from drive" -f -a "sync" -d 'Make a commit now'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from drive" -f -a "table" -d 'Show which computers contribute, and how much fits'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from drive" -f -a "resize" -d 'Change a drive\'s limits'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from drive" -f -a "snapshots" -d 'List a drive\'s commits'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from drive" -f -a "rollback" -d 'Make a drive what it was at a commit'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from drive" -f -a "delete" -d 'Take a drive from this machine; its commits stay'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "ls" -d 'List them'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "show" -d 'Show all that is known of one'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "ping" -d 'Ask one whether it answers, and how fast: exit 21 when it does not'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "lost" -d 'Give one up for good, and make again elsewhere what it had'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "evacuate" -d 'Move your data away from one: exit 4 when some has nowhere to go'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from donate" -f -a "show" -d 'Show how the disk is split'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from donate" -f -a "set" -d 'Lend more or less of a disk, from now on'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from donate" -f -a "add" -d 'Lend from one disk more'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from donate" -f -a "shrink" -d 'Lend less of a disk than now'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from donate" -f -a "stop" -d 'Lend nothing any more; an added disk that is empty is forgotten'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from limits" -f -a "show" -d 'Show the limits in force'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from limits" -f -a "set" -d 'Be slower or faster, from now on; what is not said stays'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from repair" -f -a "index" -d 'Read again from the grid what this home knows of it'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from repair" -f -a "snapshots" -d 'Make snapshots again without what is lost: exit 6 when some of it could not be'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from guardians" -f -a "ls" -d 'List them, and those who are looked after here'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from guardians" -f -a "add" -d 'Make a machine of another member one'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from guardians" -f -a "remove" -d 'End a machine\'s mandate'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from service" -f -a "install" -d 'Write a systemd user unit for the agent of this home, and start it now and at login'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from service" -f -a "uninstall" -d 'Stop the service and remove its unit'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from service" -f -a "start" -d 'Start it'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from service" -f -a "stop" -d 'Stop it'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from service" -f -a "status" -d 'Show whether it runs'
complete -c gbak -n "__fish_gbak_using_subcommand help; and __fish_seen_subcommand_from service" -f -a "logs" -d 'Show what it logged'
