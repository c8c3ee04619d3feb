# Installs the restic-manager agent on this Windows host, makes it a host of the server and starts it.
# Needs an elevated PowerShell, and these variables, which the server's page gives with the command:
#   RM_SERVER              the server's address
#   RM_ENROL_TOKEN         the one-time token; or
#   RM_ANNOUNCE            yes: announce this host without a token, and wait until an admin accepts it
#   RM_SERVER_FINGERPRINT  the server's fingerprint
# Scheduled tasks that call restic are listed and left as they are.
& {
    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

    $folder = Join-Path $env:ProgramFiles 'restic-manager'
    $program = Join-Path $folder 'restic-manager-agent.exe'
    $service = 'restic-manager-agent'

    $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
    $elevated = ([Security.Principal.WindowsPrincipal]$identity).IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
    if (-not $elevated) { throw 'restic-manager: start PowerShell as administrator and run the command again' }
    $announce = $env:RM_ANNOUNCE -eq 'yes' -and -not $env:RM_ENROL_TOKEN
    $needed = 'RM_SERVER', 'RM_SERVER_FINGERPRINT'
    if (-not $announce) { $needed += 'RM_ENROL_TOKEN' }
    foreach ($name in $needed) {
        if (-not [Environment]::GetEnvironmentVariable($name)) {
            throw "restic-manager: $name is not set; copy the whole command from the page that added this host"
        }
    }
    if ($env:PROCESSOR_ARCHITECTURE -ne 'AMD64') {
        throw "restic-manager: there is no agent for the processor $env:PROCESSOR_ARCHITECTURE"
    }

    Write-Host "Downloading the agent for windows/amd64 from $env:RM_SERVER"
    New-Item -ItemType Directory -Force -Path $folder | Out-Null
    $download = Join-Path $folder 'restic-manager-agent.download'
    Invoke-WebRequest -UseBasicParsing -Uri "$env:RM_SERVER/agent/binary?os=windows&arch=amd64" -OutFile $download
    $answer = Invoke-WebRequest -UseBasicParsing -Uri "$env:RM_SERVER/agent/binary.sha256?os=windows&arch=amd64"
    $text = $answer.Content
    if ($text -is [byte[]]) { $text = [Text.Encoding]::ASCII.GetString($text) }
    $wanted = $text.Split(' ')[0].Trim()
    $found = (Get-FileHash -Algorithm SHA256 -Path $download).Hash
    if (-not $wanted -or $wanted -ne $found) {
        Remove-Item $download
        throw 'restic-manager: the download does not match its checksum; try again'
    }

    if (Get-Service -Name $service -ErrorAction SilentlyContinue) { Stop-Service -Name $service }
    Move-Item -Force -Path $download -Destination $program

    if ($announce) {
        Write-Host 'Announcing this host'
        & $program announce $env:RM_SERVER
        if ($LASTEXITCODE -ne 0) { throw 'restic-manager: this host was not accepted; the reason is above' }
    } else {
        Write-Host 'Enrolling this host'
        & $program enrol
        if ($LASTEXITCODE -ne 0) { throw 'restic-manager: enrolment failed; the reason is above' }
        Remove-Item Env:RM_ENROL_TOKEN
    }

    if (-not (Get-Service -Name $service -ErrorAction SilentlyContinue)) {
        New-Service -Name $service -DisplayName 'restic-manager agent' -StartupType Automatic -BinaryPathName "`"$program`" run" | Out-Null
    }
    Start-Service -Name $service
    Write-Host 'The agent runs.'

    $tasks = Get-ScheduledTask -ErrorAction SilentlyContinue | Where-Object { ($_.Actions | Out-String) -match 'restic' }
    if ($tasks) {
        Write-Host 'restic is already scheduled on this host. Nothing of it was changed:'
        $tasks | ForEach-Object { Write-Host "  task $($_.TaskPath)$($_.TaskName)    stop it with: Disable-ScheduledTask -TaskPath '$($_.TaskPath)' -TaskName '$($_.TaskName)'" }
    }
    if (-not (Get-Command restic -ErrorAction SilentlyContinue)) {
        Write-Host 'restic is not installed here: install it (for example: winget install restic.restic) before the first backup.'
    }
    Write-Host 'Done.'
}
