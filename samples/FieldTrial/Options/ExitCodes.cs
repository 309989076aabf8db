namespace FieldTrial;

/// <summary>What the program tells its caller.</summary>
internal static class ExitCodes
{
    /// <summary>Every promise was kept.</summary>
    public const int Kept = 0;

    /// <summary>A promise was broken, or the run could not be carried through.</summary>
    public const int Broken = 1;

    /// <summary>The command line is wrong; nothing was started.</summary>
    public const int FaultyOptions = 2;

    /// <summary>Interrupted: there is no verdict.</summary>
    public const int Interrupted = 130;
}
