using Streams.Core;
using Streams.Storage;

namespace Streams.Testing;

/// <summary>A disk that keeps only what was flushed. It can stop at a chosen write or flush, refuse one, and lose or tear what was not
/// flushed.</summary>
public sealed class SimulatedDisk : ILogDisk
{
    public const int SectorBytes = 512;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, SimulatedFile> _names = [];
    private readonly Dictionary<string, SimulatedFile> _durableNames = [];
    private int _epoch;

    /// <summary>Writes, flushes and changes of names and lengths so far.</summary>
    public int Steps { get; private set; }

    /// <summary>The step at which the machine stops: it and all later ones fail.</summary>
    public int StopAt { get; set; } = int.MaxValue;

    /// <summary>How many of the next flushes to let pass before one is refused; -1 for never.</summary>
    public int RefuseFlushAfter { get; set; } = -1;

    /// <summary>Whether nothing succeeds behind a refused flush, until the process is killed.</summary>
    public bool StopsAfterRefusal { get; set; }

    /// <summary>Reads so far.</summary>
    public int Reads { get; private set; }

    /// <summary>Bytes of all files together beyond which there is no room.</summary>
    public long Capacity { get; set; } = long.MaxValue;

    /// <summary>What it refuses, and when.</summary>
    public DiskFault? Fault { get; set; }

    /// <summary>How often a fault was met.</summary>
    public int FaultsMet { get; private set; }

    /// <summary>Whether parts of files can be given back.</summary>
    public bool CanPunch { get; set; } = true;

    /// <summary>Bytes of files that were given back.</summary>
    public long PunchedBytes { get; private set; }

    /// <summary>Held by a test to keep a flush from ending.</summary>
    public ManualResetEventSlim FlushGate { get; } = new(true);

    public int FlushesBegun => Volatile.Read(ref _flushesBegun);

    private int _flushesBegun;

    public IReadOnlyList<string> List()
    {
        lock (_lock)
        {
            return [.. _names.Keys];
        }
    }

    public ILogFile Create(string name)
    {
        lock (_lock)
        {
            Step("create " + name, takesRoom: true);
            SimulatedFile file = new();
            _names[name] = file;
            return new Handle(this, file, _epoch);
        }
    }

    public ILogFile Open(string name)
    {
        lock (_lock)
        {
            return _names.TryGetValue(name, out SimulatedFile? file) ? new Handle(this, file, _epoch)
                : throw new StorageFailedException("no file " + name);
        }
    }

    public void Delete(string name)
    {
        lock (_lock)
        {
            Step("delete " + name);
            _names.Remove(name);
        }
    }

    public void Rename(string from, string to)
    {
        lock (_lock)
        {
            Step("rename " + from);
            _names[to] = _names[from];
            _names.Remove(from);
        }
    }

    public void SyncDirectory()
    {
        lock (_lock)
        {
            Step("sync directory");
            _durableNames.Clear();
            foreach ((string name, SimulatedFile file) in _names)
            {
                _durableNames[name] = file;
            }
        }
    }

    /// <summary>The disk as a process has it that starts now: dead when that is killed or the power goes, so that nothing of it goes on
    /// beside the next one.</summary>
    public ILogDisk Mount()
    {
        lock (_lock)
        {
            return new Mounted(this, _epoch);
        }
    }

    /// <summary>The power goes: unflushed bytes are kept, lost or torn as chance has it. Old handles are dead. Later faults are
    /// off.</summary>
    public void Crash(Random chance)
    {
        lock (_lock)
        {
            _epoch++;
            foreach ((string name, SimulatedFile file) in _names.Where(n => !_durableNames.ContainsKey(n.Key)).ToArray())
            {
                if (chance.Next(2) == 0)
                {
                    _names.Remove(name);
                }
            }

            foreach ((string name, SimulatedFile file) in _durableNames.Where(n => !_names.ContainsKey(n.Key)).ToArray())
            {
                if (chance.Next(2) == 0)
                {
                    _names[name] = file;
                }
            }

            foreach (SimulatedFile file in _names.Values)
            {
                file.Crash(chance);
            }

            CalmDown();
        }
    }

    /// <summary>The process is killed: the system keeps what was written, flushed or not.</summary>
    public void Kill()
    {
        lock (_lock)
        {
            _epoch++;
            CalmDown();
        }
    }

    /// <summary>What would be there after a power failure now, on a disk of its own: a copy put aside, to roll back to.</summary>
    public SimulatedDisk CopyOfDurable()
    {
        SimulatedDisk copy = new();
        lock (_lock)
        {
            foreach ((string name, SimulatedFile file) in _durableNames)
            {
                copy._names[name] = copy._durableNames[name] = file.CopyOfDurable();
            }
        }

        return copy;
    }

    /// <summary>Turns over a bit of what is stored.</summary>
    public void Flip(string name, long position, int bit = 0)
    {
        lock (_lock)
        {
            _names[name].Flip(position, bit);
        }
    }

    public byte[] Contents(string name)
    {
        lock (_lock)
        {
            return _names[name].Contents();
        }
    }

    private void CalmDown()
    {
        StopAt = int.MaxValue;
        RefuseFlushAfter = -1;
        StopsAfterRefusal = false;
        Fault = null;
        FlushGate.Set();
    }

    private void Step(string what, bool takesRoom = false)
    {
        bool faulty = IsFaulty(takesRoom);
        if (++Steps >= StopAt)
        {
            throw new StorageFailedException($"the machine stopped at step {Steps}: {what}");
        }

        if (faulty)
        {
            FaultsMet++;
            bool full = Fault!.Kind == DiskFaultKind.NoRoom;
            throw new StorageFailedException($"{(full ? "no room" : "refused")} at step {Steps}: {what}") { IsFull = full };
        }
    }

    // Whether the next step meets the fault.
    private bool IsFaulty(bool takesRoom) => Fault is { } fault && Steps + 1 >= fault.At && Steps + 1 - fault.At < fault.Count
        && (fault.Kind == DiskFaultKind.Refused || (takesRoom && fault.Kind == DiskFaultKind.NoRoom));

    private void StepRead()
    {
        Reads++;
        if (Fault is { Kind: DiskFaultKind.ReadRefused } fault && Reads >= fault.At && Reads - fault.At < fault.Count)
        {
            FaultsMet++;
            throw new StorageFailedException($"refused: read {Reads}");
        }
    }

    private void TakeRoom(SimulatedFile file, long length)
    {
        if (length > file.Length && _names.Values.Sum(f => f.Length - f.Punched) + length - file.Length > Capacity)
        {
            throw new StorageFailedException($"no room for {length - file.Length} bytes") { IsFull = true };
        }
    }

    private sealed class Mounted(SimulatedDisk disk, int epoch) : ILogDisk
    {
        public IReadOnlyList<string> List() => Do(disk.List);

        public ILogFile Create(string name) => Do(() => disk.Create(name));

        public ILogFile Open(string name) => Do(() => disk.Open(name));

        public void Delete(string name) => Do(() => disk.Delete(name));

        public void Rename(string from, string to) => Do(() => disk.Rename(from, to));

        public void SyncDirectory() => Do(disk.SyncDirectory);

        private void Do(Action action) => Do(() =>
        {
            action();
            return 0;
        });

        private T Do<T>(Func<T> action)
        {
            lock (disk._lock)
            {
                return epoch == disk._epoch ? action() : throw Gone();
            }
        }
    }

    private static StorageFailedException Gone() => new("the process is dead", new DirectoryNotFoundException());

    private sealed class Handle(SimulatedDisk disk, SimulatedFile file, int epoch) : ILogFile
    {
        public long Length => Do(() => file.Length);

        public void SetLength(long length) => Do(() =>
        {
            disk.Step("set length", takesRoom: length > file.Length);
            disk.TakeRoom(file, length);
            file.SetLength(length);
            return 0;
        });

        public void Write(long position, ReadOnlySpan<byte> bytes)
        {
            byte[] copy = bytes.ToArray();
            Do(() =>
            {
                bool stops = disk.Steps + 1 == disk.StopAt;
                if (stops)
                {
                    file.Write(position, copy);       // under way: it may tear
                }
                else if (disk.IsFaulty(takesRoom: true))
                {
                    file.FailWrite(position, copy, disk.Fault!.Variant);
                }

                disk.Step("write", takesRoom: true);
                disk.TakeRoom(file, position + copy.Length);
                file.Write(position, copy);
                return 0;
            });
        }

        public int Read(long position, Span<byte> bytes)
        {
            byte[] read = new byte[bytes.Length];
            int count = Do(() =>
            {
                disk.StepRead();
                return file.Read(position, read);
            });
            read.AsSpan(0, count).CopyTo(bytes);
            return count;
        }

        public ValueTask<int> ReadAsync(long position, Memory<byte> bytes, CancellationToken cancellationToken) =>
            new(Read(position, bytes.Span));

        public void Flush()
        {
            Interlocked.Increment(ref disk._flushesBegun);
            disk.FlushGate.Wait();
            Do(() =>
            {
                if (disk.IsFaulty(takesRoom: false))
                {
                    file.FailFlush(disk.Fault!.Variant);
                }

                disk.Step("flush");
                if (disk.RefuseFlushAfter == 0)
                {
                    file.ForgetUnflushed();
                    disk.StopAt = disk.StopsAfterRefusal ? 0 : disk.StopAt;
                    throw new StorageFailedException("flush refused");
                }

                disk.RefuseFlushAfter = Math.Max(-1, disk.RefuseFlushAfter - 1);
                file.Flush();
                return 0;
            });
        }

        public bool TryPunch(long position, long length) => Do(() =>
        {
            disk.Step("punch");
            if (!disk.CanPunch)
            {
                return false;
            }

            file.Write(position, new byte[length]);
            file.Punched += length;
            disk.PunchedBytes += length;
            return true;
        });

        public void Dispose()
        {
        }

        private T Do<T>(Func<T> action)
        {
            lock (disk._lock)
            {
                return epoch == disk._epoch ? action() : throw Gone();
            }
        }
    }
}
