using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>The witness: a small file outside the data directory. In its default place it may be missing or not writable; then it guards
/// nothing, and
/// a log line says so. In a place that was configured it must be writable.</summary>
internal sealed class WitnessFile(CatalogOptions options, ICatalogFiles files, ILogger logger)
{
    private WitnessRecord? _written;

    /// <summary>Where it is.</summary>
    public string FullPath { get; } = options.WitnessFile is { } configured
        ? Path.GetFullPath(configured)
        : DataDirectory.DefaultWitness(options.DataDirectory);

    /// <summary>Whether the last write succeeded.</summary>
    public bool IsWritable { get; private set; } = true;

    /// <summary>What it says, or <see langword="null"/> when it is not there.</summary>
    /// <exception cref="ConfigurationException">It watches another cluster, or is of a newer format.</exception>
    /// <exception cref="DamagedFileException">It is damaged.</exception>
    public WitnessRecord? Read()
    {
        if (files.Read(FullPath) is not { } bytes)
        {
            return null;
        }

        WitnessRecord record = SealedFile.Read(FullPath, bytes, CatalogJson.Default.WitnessRecord);
        return record.Cluster == options.Cluster
            ? record
            : throw DataDirectory.Foreign($"witness {FullPath}", record.Cluster, options.Cluster);
    }

    /// <summary>Writes it, atomically and flushed, unless it says so already. Returns whether it was written.</summary>
    public bool Write(WitnessRecord record)
    {
        if (record == _written || !IsWritable)
        {
            return false;
        }

        try
        {
            files.WriteWhole(FullPath, SealedFile.Write(record, CatalogJson.Default.WitnessRecord));
            _written = record;
            return true;
        }
        catch (Exception fault) when (options.WitnessFile is null
            && fault is IOException or UnauthorizedAccessException or StorageFailedException)
        {
            IsWritable = false;
            ClusterLog.WitnessNotWritable(logger, FullPath, fault.Message);
            return false;
        }
    }
}
