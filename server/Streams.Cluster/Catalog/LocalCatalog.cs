using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>The catalog of a cluster of one node: who the data directory belongs to, under which incarnation it is written, and the
/// witness that
/// watches it from outside.</summary>
/// <remarks>Holds the lock on the data directory until it is disposed. Opening changes nothing but the lock and, in a new directory, the
/// identity
/// file; <see cref="Begin"/> records a start. Files are replaced atomically and flushed: after a crash at any moment each is the old or
/// the new one.
/// The catalog is written before the witness, so that a crash between the two never looks like a rollback. A damaged file is set aside,
/// said, and made anew: the start then opens a new incarnation, since what it guarded is in doubt. Not safe for use by several
/// threads at once,
/// except <see cref="Observe"/> and <see cref="SaveNeighbours"/>, which may run beside everything else.</remarks>
public sealed class LocalCatalog : IDisposable
{
    private readonly CatalogOptions _options;
    private readonly ICatalogFiles _files;
    private readonly ILogger _logger;
    private readonly DataDirectoryLock _lock;
    private readonly Lock _gate = new();
    private readonly WitnessFile _witness;
    private string? _lost;

    private LocalCatalog(CatalogOptions options, ICatalogFiles files, ILogger logger, DataDirectoryLock held)
    {
        _options = options;
        _files = files;
        _logger = logger;
        _lock = held;
        _witness = new WitnessFile(options, files, logger);
        Current = ReadCatalog();
        IdentityFile = ReadOrMakeIdentity();
        RefuseForeignCatalog();
        WitnessRecord? witness = Salvage(_witness.FullPath, _witness.Read);
        if (Current is null && _lost is null && Directory.Exists(ContainerPath))
        {
            Lose(Path.Combine(DataPath, DataDirectory.CatalogFile));
        }

        Facts = new IncarnationFacts
        {
            Policy = options.Policy,
            RestoreDeclared = options.RestoreDeclared,
            Recorded = Current,
            Lost = _lost,
            IdentityFile = IdentityFile,
            Witness = witness,
        };
    }

    /// <summary>What the data directory and the witness told when they were opened; the container and the neighbours add theirs.</summary>
    public IncarnationFacts Facts { get; }

    /// <summary>What is recorded now; <see langword="null"/> before the first <see cref="Begin"/> of a new directory.</summary>
    public CatalogRecord? Current { get; private set; }

    /// <summary>The identity file as it is now.</summary>
    public FileMark IdentityFile { get; }

    /// <summary>The data directory, as a full path.</summary>
    public string DataPath => Path.GetFullPath(_options.DataDirectory);

    /// <summary>The directory of the only container.</summary>
    public string ContainerPath => Path.Combine(DataPath, DataDirectory.Container);

    /// <summary>The witness file in use, or <see langword="null"/> when there is none.</summary>
    public string? WitnessPath => _witness.IsWritable ? _witness.FullPath : null;

    /// <summary>Takes the lock on the data directory, which is made when it is missing, and reads what is recorded.</summary>
    /// <exception cref="ConfigurationException">It belongs to another cluster, is no data directory, or is of a newer format.</exception>
    /// <exception cref="TryAgainException">It is in use by a live process.</exception>
    /// <exception cref="StorageFailedException">It cannot be read or written.</exception>
    public static LocalCatalog Open(CatalogOptions options, ILogger logger) => Open(options, new CatalogFiles(), logger);

    internal static LocalCatalog Open(CatalogOptions options, ICatalogFiles files, ILogger logger)
    {
        DataDirectoryLock? held = null;
        try
        {
            files.CreateDirectory(options.DataDirectory);
            held = DataDirectoryLock.Take(options.DataDirectory);
            return new LocalCatalog(options, files, logger, held);
        }
        catch (Exception fault)
        {
            held?.Dispose();
            if (fault is IOException or UnauthorizedAccessException)
            {
                throw new StorageFailedException($"data directory {options.DataDirectory} cannot be used: {fault.Message}", fault);
            }

            throw;
        }
    }

    /// <summary>Records a start under <paramref name="incarnation"/>, in the catalog and then in the witness. Durable when it
    /// returns.</summary>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    /// <param name="incarnation">The recorded one, or a new one.</param>
    /// <param name="ownEntries">How many entries its lanes hold.</param>
    /// <param name="logEnd">Where the container's log ends.</param>
    public void Begin(Incarnation incarnation, long ownEntries, long logEnd)
    {
        bool goesOn = incarnation == Facts.Recorded?.Incarnation;
        Record(incarnation, (Facts.Recorded?.Starts ?? 0) + 1, goesOn ? ownEntries : 0, goesOn ? Facts.Recorded!.OpenedAt : logEnd);
    }

    /// <summary>Records that the cluster writes under a new incarnation from now on. Durable when it returns.</summary>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public void Move(Incarnation incarnation, long logEnd) => Record(incarnation, Current!.Starts, 0, logEnd);

    /// <summary>Tells the witness that the own lanes hold <paramref name="ownEntries"/> flushed entries. Returns whether anything was
    /// written.</summary>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public bool Observe(Incarnation incarnation, long ownEntries)
    {
        lock (_gate)
        {
            return Current is { } current && current.Incarnation == incarnation
                && Guard(() => _witness.Write(new WitnessRecord(current.Cluster, incarnation, current.Starts, ownEntries)));
        }
    }

    /// <summary>What was last given to <see cref="SaveNeighbours"/>, or nothing. A damaged file counts as none, with a warning: it is
    /// learnt again.</summary>
    public NeighboursRecord Neighbours()
    {
        string path = Path.Combine(DataPath, DataDirectory.NeighboursFile);
        try
        {
            return _files.Read(path) is { } bytes
                ? SealedFile.Read(path, bytes, CatalogJson.Default.NeighboursRecord)
                : new NeighboursRecord([], []);
        }
        catch (Exception fault) when (fault is StreamsException or DamagedFileException)
        {
            ClusterLog.NeighboursForgotten(_logger, fault.Message);
            return new NeighboursRecord([], []);
        }
    }

    /// <summary>Keeps what was learnt of other clusters. Durable when it returns.</summary>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public void SaveNeighbours(NeighboursRecord neighbours)
    {
        lock (_gate)
        {
            Guard(() =>
            {
                string path = Path.Combine(DataPath, DataDirectory.NeighboursFile);
                _files.WriteWhole(path, SealedFile.Write(neighbours, CatalogJson.Default.NeighboursRecord));
                return true;
            });
        }
    }

    /// <summary>Releases the lock.</summary>
    public void Dispose() => _lock.Dispose();

    private void Record(Incarnation incarnation, long starts, long ownEntries, long openedAt)
    {
        lock (_gate)
        {
            CatalogRecord record = new(_options.Cluster, incarnation, starts, IdentityFile) { OpenedAt = openedAt };
            Guard(() =>
            {
                string path = Path.Combine(DataPath, DataDirectory.CatalogFile);
                _files.WriteWhole(path, SealedFile.Write(record, CatalogJson.Default.CatalogRecord));
                Current = record;
                return _witness.Write(new WitnessRecord(record.Cluster, incarnation, starts, ownEntries));
            });
        }
    }

    private FileMark ReadOrMakeIdentity()
    {
        string path = Path.Combine(DataPath, DataDirectory.IdentityFile);
        IdentityRecord? identity = Salvage(path,
            () => _files.Read(path) is { } bytes ? SealedFile.Read(path, bytes, CatalogJson.Default.IdentityRecord) : null);
        if (identity is not null)
        {
            return identity.Cluster == _options.Cluster
                ? FileMark.Of(path)
                : throw DataDirectory.Foreign($"data directory {_options.DataDirectory}", identity.Cluster, _options.Cluster);
        }

        // The catalog says as well whose the directory is.
        RefuseForeignCatalog();
        if (Current is null && DataDirectory.Stranger(DataPath) is { } stranger)
        {
            throw new ConfigurationException(stranger);
        }

        if (Current is not null && _lost is null)
        {
            Lose(path);
        }

        _files.WriteWhole(path, SealedFile.Write(new IdentityRecord(_options.Cluster), CatalogJson.Default.IdentityRecord));
        ClusterLog.DirectoryMade(_logger, DataPath, _options.Cluster);
        return FileMark.Of(path);
    }

    private CatalogRecord? ReadCatalog()
    {
        string path = Path.Combine(DataPath, DataDirectory.CatalogFile);
        return Salvage(path,
            () => _files.Read(path) is { } bytes ? SealedFile.Read(path, bytes, CatalogJson.Default.CatalogRecord) : null);
    }

    private void RefuseForeignCatalog()
    {
        if (Current is { } record && record.Cluster != _options.Cluster)
        {
            throw DataDirectory.Foreign($"catalog {Path.Combine(DataPath, DataDirectory.CatalogFile)}", record.Cluster, _options.Cluster);
        }
    }

    // What a file says; nothing when it is damaged: then it is set aside and said.
    private T? Salvage<T>(string path, Func<T?> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (DamagedFileException fault)
        {
            string aside = SetAside(path);
            ClusterLog.SetAside(_logger, fault.Message, aside);
            _lost = $"{fault.Message}; it was set aside as {aside}";
            return null;
        }
    }

    // Where it cannot be renamed it is overwritten, or, a witness in its default place, done without.
    private string SetAside(string path)
    {
        try
        {
            return _files.SetAside(path);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or StorageFailedException)
        {
            return $"nothing, for it cannot be renamed ({refused.Message})";
        }
    }

    private void Lose(string path)
    {
        ClusterLog.MadeAnew(_logger, path);
        _lost = $"{path} is missing in a data directory that was written";
    }

    private bool Guard(Func<bool> write)
    {
        try
        {
            return write();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StorageFailedException($"the catalog in {_options.DataDirectory} cannot be written: {fault.Message}", fault);
        }
    }
}
