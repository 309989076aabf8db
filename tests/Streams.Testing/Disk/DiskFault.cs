namespace Streams.Testing;

/// <summary>What a simulated disk refuses.</summary>
public enum DiskFaultKind
{
    /// <summary>ENOSPC to what takes room: creating, lengthening, writing.</summary>
    NoRoom,

    /// <summary>EIO to everything that writes, changes names or flushes.</summary>
    Refused,

    /// <summary>EIO to reads; <see cref="DiskFault.At"/> counts these.</summary>
    ReadRefused,
}

/// <summary>A fault of a simulated disk.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="At">The first step that meets it.</param>
/// <param name="Count">How many steps from there on.</param>
/// <param name="Variant">What becomes of the bytes, which nobody is told. A refused write leaves none, half, all or every second sector of
/// them in the cache. A refused flush loses them, has brought them down all the same, leaves them in the cache, which takes them for clean,
/// or that after every second sector has come down.</param>
public sealed record DiskFault(DiskFaultKind Kind, int At, int Count = 1, int Variant = 0)
{
    public const int Variants = 4;
}
